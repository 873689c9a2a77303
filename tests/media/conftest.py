from pathlib import Path

import numpy as np
import pytest

from tconv.media import open_media


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def copy():
    """Copy a file through tconv.media in uneven strips."""

    def copy(source: Path, target: Path, strip: int = 7, **options) -> None:
        with open_media(source) as media:
            rows = media.shape[media.axis]
            spatial = media.shape[1:] if media.channels else media.shape
            with media.sink(target, spatial, **options) as sink:
                for start in range(0, rows, strip):
                    sink.write(media.read(start, min(rows, start + strip)))

    return copy


@pytest.fixture
def no_litter(tmp_path):
    """Fail if a test leaves a temporary file behind."""
    yield
    assert [path for path in tmp_path.rglob("*") if path.name.endswith(".tmp")] == []
