"""Real transposed convolutions, and where each is written down.

A layer is what ``solve`` must answer first for its sizes, with what is given beside them: nothing
where the sizes tell it apart; a kernel or a padding where two layers share their sizes (U-Net's
k2 s2 and DCGAN's k4 s2 p1 both double); a stride where the ratio of the sizes is far from it.
"""

from typing import Any, NamedTuple


class Layer(NamedTuple):
    name: str
    source: str
    input_size: Any
    output_size: Any
    kernel_size: Any
    stride: Any
    padding: Any
    output_padding: Any = 0
    given: tuple[str, ...] = ()


DCGAN = "Radford et al., arXiv:1511.06434; pytorch/examples: dcgan/main.py"
PIX2PIX = "junyanz/pytorch-CycleGAN-and-pix2pix: models/networks.py"
UNET = "Ronneberger et al., arXiv:1505.04597; milesial/Pytorch-UNet: unet/unet_parts.py"
NNUNET = "MIC-DKFZ/dynamic-network-architectures: building_blocks/unet_decoder.py (kernel = stride)"
HIFIGAN = "jik876/hifi-gan: models.py (padding (k - u)//2), config_v1.json"
WAVEGLOW = "NVIDIA/waveglow: glow.py"
# ConvTranspose1d(kernel_size=2r, stride=r) without padding, then cut: causal models (24 kHz) cut
# k - s = r samples, all at the end; the others (48 kHz) r//2 at the end and the rest at the start.
ENCODEC = "facebookresearch/encodec: encodec/modules/seanet.py, conv.py (SConvTranspose1d)"
FCN = "Shelhamer et al., arXiv:1605.06211; wkentaro/pytorch-fcn: torchfcn/models"

LAYERS = [
    Layer("DCGAN, first", DCGAN, (1, 1), (4, 4), 4, 1, 0),
    *[
        Layer(f"DCGAN, {n} to {2 * n}", DCGAN, (n, n), (2 * n, 2 * n), 4, 2, 1)
        for n in (4, 8, 16, 32)
    ],
    Layer("pix2pix", PIX2PIX, (16, 16), (32, 32), 4, 2, 1),
    Layer("pix2pix, innermost", PIX2PIX, (1, 1), (2, 2), 4, 2, 1, given=("stride",)),
    Layer("CycleGAN", PIX2PIX, (64, 64), (128, 128), 3, 2, 1, 1, given=("kernel_size",)),
    Layer("U-Net", UNET, (40, 59), (80, 118), 2, 2, 0, given=("kernel_size",)),
    Layer("U-Net", UNET, (28, 28), (56, 56), 2, 2, 0, given=("padding",)),
    Layer("nnU-Net, anisotropic", NNUNET, (16, 32, 32), (16, 64, 64), (1, 2, 2), (1, 2, 2), 0),
    Layer("nnU-Net, anisotropic, stride", NNUNET, (16, 32, 32), (16, 64, 64), (1, 2, 2), (1, 2, 2),
          0, given=("stride",)),
    Layer("nnU-Net", NNUNET, (8, 8, 8), (16, 16, 16), 2, 2, 0, given=("kernel_size",)),
    Layer("HiFi-GAN 1", HIFIGAN, 32, 256, 16, 8, 4),
    Layer("HiFi-GAN 2", HIFIGAN, 256, 2048, 16, 8, 4),
    Layer("HiFi-GAN 3", HIFIGAN, 2048, 4096, 4, 2, 1),
    Layer("HiFi-GAN 4", HIFIGAN, 4096, 8192, 4, 2, 1),
    Layer("EnCodec 1, before the cut", ENCODEC, 75, 608, 16, 8, 0),
    Layer("EnCodec 2, before the cut", ENCODEC, 600, 3005, 10, 5, 0),
    Layer("EnCodec 3, before the cut", ENCODEC, 3000, 12004, 8, 4, 0),
    Layer("EnCodec 4, before the cut", ENCODEC, 12000, 24002, 4, 2, 0),
    Layer("EnCodec 1, causal", ENCODEC, 75, 600, 16, 8, [(0, 8)], given=("padding",)),
    Layer("EnCodec 2, causal", ENCODEC, 600, 3000, 10, 5, [(0, 5)], given=("padding",)),
    Layer("EnCodec 3, causal", ENCODEC, 3000, 12000, 8, 4, [(0, 4)], given=("padding",)),
    Layer("EnCodec 4, causal", ENCODEC, 12000, 24000, 4, 2, [(0, 2)], given=("padding",)),
    Layer("EnCodec 1, not causal", ENCODEC, 150, 1200, 16, 8, 4),
    Layer("EnCodec 2, not causal", ENCODEC, 1200, 6000, 10, 5, 3, 1),  # cuts (3, 2)
    Layer("EnCodec 3, not causal", ENCODEC, 6000, 24000, 8, 4, 2),
    Layer("EnCodec 4, not causal", ENCODEC, 24000, 48000, 4, 2, 1),
    Layer("WaveGlow", WAVEGLOW, 431, 111104, 1024, 256, 0, given=("stride",)),
    Layer("WaveGlow, cut at the end as it infers", WAVEGLOW, 431, 110336, 1024, 256, [(0, 768)],
          given=("padding", "stride")),
    Layer("WaveGlow's kernel, centred", WAVEGLOW, 431, 110336, 1024, 256, 384,
          given=("kernel_size", "stride")),
    Layer("FCN-32s", FCN, (12, 16), (416, 544), 64, 32, 0, given=("stride",)),
    Layer("FCN-8s, upscore2", FCN, (12, 16), (26, 34), 4, 2, 0),
    Layer("FCN-8s, upscore8", FCN, (54, 70), (440, 568), 16, 8, 0),
    Layer("Conv-TasNet", "pytorch/audio: torchaudio/models/conv_tasnet.py", 4001, 32000, 16, 8, 8),
    Layer("Demucs", "facebookresearch/demucs: demucs/demucs.py", 3444, 13780, 8, 4, 0),
    Layer("Hybrid Demucs", "facebookresearch/demucs: demucs/hdemucs.py", (8, 336), (36, 336),
          (8, 1), (4, 1), 0),
    Layer("DBPN x4", "alterzero/DBPN-Pytorch: dbpn.py", (128, 128), (512, 512), 8, 4, 2),
    Layer("BigVGAN", "NVIDIA/BigVGAN: bigvgan.py", 1876, 7504, 8, 4, 2),
    Layer("PointPillars", "open-mmlab/OpenPCDet: pointpillar.yaml", (62, 54), (248, 216), 4, 4, 0,
          given=("padding",)),
    Layer("StyleGAN2", "NVlabs/stylegan2-ada-pytorch: training/networks.py", (32, 32), (65, 65),
          3, 2, 0, given=("kernel_size",)),
    Layer("CompressAI", "InterDigitalInc/CompressAI: compressai/models/utils.py", (32, 48),
          (64, 96), 5, 2, 2, 1, given=("kernel_size",)),
    Layer("FSRCNN x3", "yjn870/FSRCNN-pytorch: models.py", (360, 640), (1080, 1920), 9, 3, 4, 2,
          given=("kernel_size", "padding")),
]  # fmt: skip
