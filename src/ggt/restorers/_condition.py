"""What the steps of the classical engine know about the picture they work on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """The measurements that drive the strengths, on the grid that the engine works on.

    `noise_sigma` in 8-bit levels, `blur_px` as the sigma of a Gaussian in pixels.
    """

    noise_sigma: float
    blur_px: float
