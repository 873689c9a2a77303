"""Whole models, written from their published layer tables, with random or trained weights.

Importing this needs PyTorch.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from math import sqrt
from typing import Any

from torch import Tensor, nn

from benchmarks.models import weights
from benchmarks.models.conv_tasnet import ConvTasNet
from benchmarks.models.dbpn import DBPN
from benchmarks.models.dcgan import DCGAN
from benchmarks.models.deepcr import MissingError, covered, sky, trained
from benchmarks.models.fsrcnn import FSRCNN
from benchmarks.models.hifigan import HiFiGAN
from benchmarks.models.mask_head import MaskHead
from benchmarks.models.pix2pix import Pix2Pix
from benchmarks.models.simple_baseline import SimpleBaseline
from benchmarks.models.unet import UNet
from benchmarks.models.unet3d import UNet3D
from benchmarks.models.waveglow import WaveGlowUpsampler

__all__ = ["MODELS", "MissingError", "Model"]

Factory = Callable[..., nn.Module]


@dataclass(frozen=True, slots=True)
class Model:
    """A model, and the input it is timed with.

    Parameters
    ----------
    title : str
    factory : callable
        Makes it; takes ``layers``, a module like torch.nn.
    input, output : tuple of int
        Shapes.
    source : str
        Paper and public file that its sizes were read from.
    share : float
        About which part of PyTorch's time its transposed convolutions take in the default layout:
        measured with two threads on a CPU with AVX-512, by ``python -m benchmarks models``.
    parameters : int, optional
        How many it has, where a paper or a repository states that or it follows from the layer
        table alone; ``counted`` says what they count.
    counted : str
    gain : float, optional
        Of :func:`weights.randomise`; None where the weights are trained ones.
    made : callable, optional
        Makes the input, where random numbers would tell nothing.
    """

    title: str
    factory: Factory
    input: tuple[int, ...]
    output: tuple[int, ...]
    source: str
    share: float
    parameters: int | None = None
    counted: str = ""
    gain: float | None = sqrt(2)
    made: Callable[[], Tensor] | None = None

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.input) - 2

    def build(self, layers: Any = nn) -> nn.Module:
        """Return the model with its weights, to be evaluated.

        Parameters
        ----------
        layers : module
            Whose ``ConvTranspose{1,2,3}d`` are used: torch.nn, or one with the same classes.

        Raises
        ------
        MissingError
            Where trained weights cannot be downloaded.
        """
        model = self.factory(layers=layers)
        return model if self.gain is None else weights.randomise(model, self.gain)

    def example(self) -> Tensor:
        """Return the input."""
        return self.made() if self.made else weights.example(*self.input)


_DCGAN = Model(
    "DCGAN generator, 64 pictures",
    DCGAN,
    (64, 100, 1, 1),
    (64, 3, 64, 64),
    "arXiv:1511.06434; pytorch/examples:dcgan/main.py",
    share=0.91,
    parameters=3_576_704,
)
_DEEPCR = "arXiv:1907.09500; PyPI deepCR 0.3.1, learned_models/{}.pth"
_MASK, _INPAINT = "mask/ACS-WFC", "inpaint/ACS-WFC-F606W-3-32"

MODELS: dict[str, Model] = {
    "dcgan": _DCGAN,
    "dcgan_one": replace(
        _DCGAN, title="DCGAN generator, 1 picture", input=(1, 100, 1, 1), output=(1, 3, 64, 64)
    ),
    "pix2pix": Model(
        "pix2pix generator unet_256",
        Pix2Pix,
        (1, 3, 256, 256),
        (1, 3, 256, 256),
        "arXiv:1611.07004; junyanz/pytorch-CycleGAN-and-pix2pix:models/networks.py",
        share=0.7,
        parameters=54_413_955,
    ),
    "unet": Model(
        "U-Net",
        UNet,
        (1, 3, 256, 256),
        (1, 1, 256, 256),
        "arXiv:1505.04597; milesial/Pytorch-UNet:unet/unet_parts.py",
        share=0.1,
        parameters=31_037_633,
    ),
    "unet3d": Model(
        "3-D U-Net",
        UNet3D,
        (1, 3, 48, 48, 32),
        (1, 3, 48, 48, 32),
        "arXiv:1606.06650, figure 2",
        share=0.11,
        parameters=19_069_955,
        counted="convolutions",
    ),
    "hifigan": Model(
        "HiFi-GAN V1 generator, 1 s",
        HiFiGAN,
        (1, 80, 86),
        (1, 1, 22016),
        "arXiv:2010.05646; jik876/hifi-gan:models.py, config_v1.json",
        share=0.04,
        parameters=13_926_017,
        gain=0.95,
    ),
    "conv_tasnet": Model(
        "Conv-TasNet, 4 s at 8 kHz",
        ConvTasNet,
        (1, 1, 32000),
        (1, 2, 32000),
        "arXiv:1809.07454; pytorch/audio:torchaudio/models/conv_tasnet.py",
        share=0.03,
        parameters=4_984_881,
        gain=1.0,
    ),
    "simple_baseline": Model(
        "SimpleBaseline pose, ResNet-50",
        SimpleBaseline,
        (1, 3, 256, 192),
        (1, 17, 64, 48),
        "arXiv:1804.06208; microsoft/human-pose-estimation.pytorch:lib/models/pose_resnet.py",
        share=0.35,
        parameters=33_999_697,
        gain=0.9,
    ),
    "mask_head": Model(
        "Mask R-CNN mask head, 100 regions",
        MaskHead,
        (100, 256, 14, 14),
        (100, 91, 28, 28),
        "arXiv:1703.06870; pytorch/vision:torchvision/models/detection/mask_rcnn.py",
        share=0.23,
        parameters=2_646_107,
    ),
    "fsrcnn": Model(
        "FSRCNN ×3 to 1080p",
        FSRCNN,
        (1, 1, 360, 640),
        (1, 1, 1080, 1920),
        "arXiv:1608.00367; yjn870/FSRCNN-pytorch:models.py",
        share=0.61,
        parameters=12_464,
        counted="weights of convolutions",
    ),
    "dbpn": Model(
        "DBPN ×4, two stages",
        DBPN,
        (1, 3, 64, 64),
        (1, 3, 256, 256),
        "arXiv:1803.02735; alterzero/DBPN-Pytorch:dbpns.py, base_networks.py",
        share=0.52,
        parameters=2_386_958,
    ),
    "waveglow": Model(
        "WaveGlow upsampler, 5 s",
        WaveGlowUpsampler,
        (1, 80, 431),
        (1, 640, 13792),
        "arXiv:1811.00002; NVIDIA/waveglow:glow.py, config.json",
        share=0.95,
        parameters=6_553_680,
    ),
    "deepcr_mask": Model(
        "deepCR mask, trained",
        partial(trained, _MASK),
        (1, 1, 512, 512),
        (1, 1, 512, 512),
        _DEEPCR.format(_MASK),
        share=0.16,
        parameters=101_473,
        gain=None,
        made=lambda: sky()[0],
    ),
    "deepcr_inpaint": Model(
        "deepCR inpainting, trained",
        partial(trained, _INPAINT),
        (1, 2, 512, 512),
        (1, 1, 512, 512),
        _DEEPCR.format(_INPAINT),
        share=0.13,
        parameters=467_521,
        gain=None,
        made=lambda: covered(*sky()),
    ),
}
