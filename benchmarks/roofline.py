"""What the machine could do at best: the lower bound that a layer's time is held against."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Roofline:
    """Measured limits of a machine at one number of threads.

    Parameters
    ----------
    flops : float
        Floating-point operations a second of a large matrix product.
    bandwidth : tuple of (int, float)
        (working set in bytes, bytes a second) of copies, working sets rising. A small layer lives
        in the caches: it is held against the copy of its own size.

    Examples
    --------
    >>> roof = Roofline(flops=100.0, bandwidth=((1000, 50.0), (10000, 10.0)))
    >>> roof.seconds(macs=500, size=800), roof.seconds(macs=50, size=5000)
    (16.0, 500.0)
    """

    flops: float
    bandwidth: tuple[tuple[int, float], ...]

    def bytes_per_second(self, size: int) -> float:
        """Return the bandwidth of the smallest measured working set that holds `size` bytes."""
        return next((rate for held, rate in self.bandwidth if held >= size), self.bandwidth[-1][1])

    def seconds(self, macs: int, size: int) -> float:
        """Return the least time for this work: the slower of computing it and moving it."""
        return max(2 * macs / self.flops, size / self.bytes_per_second(size))
