"""Reading and writing pictures, sounds and arrays, strip by strip.

>>> import numpy as np, tempfile
>>> from pathlib import Path
>>> folder = tempfile.TemporaryDirectory()
>>> path = Path(folder.name) / "ramp.npy"
>>> np.save(path, np.arange(6.0).reshape(2, 3))
>>> with open_media(path) as source, source.sink(path.with_name("twice.npy"), (6,)) as sink:
...     print(source.describe())
...     for row in range(2):
...         sink.write(source.read(row, row + 1).repeat(2, axis=1))
(2, 3) float64
>>> np.load(path.with_name("twice.npy"))
array([[0., 0., 1., 1., 2., 2.],
       [3., 3., 4., 4., 5., 5.]])
>>> folder.cleanup()
"""

from tconv.media.base import Factors, Kind, Sink, Source
from tconv.media.errors import MediaError
from tconv.media.opening import DEFAULT_MAX, default_output, open_media

__all__ = [
    "DEFAULT_MAX",
    "Factors",
    "Kind",
    "MediaError",
    "Sink",
    "Source",
    "default_output",
    "open_media",
]
