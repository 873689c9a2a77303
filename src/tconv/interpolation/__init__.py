"""Known upsampling as a transposed convolution: its kernels, and arrays of any size by them."""

from tconv.interpolation import kernels
from tconv.interpolation.upsampling import upsample

__all__ = ["kernels", "upsample"]
