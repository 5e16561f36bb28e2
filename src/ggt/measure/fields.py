"""Random smooth fields and local averages: what degradations and faults draw, and what their criteria measure."""

import cv2
import numpy as np

from ggt.types import FloatImage, Plane


def smooth_field(shape: tuple[int, int], *, scale_px: float, rng: np.random.Generator) -> Plane:
    """Draw a smooth random field of about zero mean and unit deviation.

    Values vary over distances of `scale_px`: normal values on a grid of that pitch, joined by cubic interpolation.
    """
    height, width = shape
    rows = max(2, round(height / scale_px) + 1)
    columns = max(2, round(width / scale_px) + 1)
    grid = rng.standard_normal((rows, columns)).astype(np.float32)
    return cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)


def local_mean(picture: FloatImage | Plane, *, sigma_px: float) -> FloatImage:
    """Average with a Gaussian of `sigma_px`; large ones are computed on a reduced copy, which is as smooth.

    Keeps the number of channels; mirrors at the borders.
    """
    height, width = picture.shape[:2]
    factor = max(1, min(int(sigma_px / 4), min(height, width) // 8))
    small = picture
    if factor > 1:
        size = (width // factor, height // factor)
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    small = cv2.GaussianBlur(small, (0, 0), sigma_px / factor)
    if factor > 1:
        small = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    return small


def finer(plane: Plane, *, sigma_px: float) -> Plane:
    """Return what is finer than `sigma_px`: the plane less its local mean."""
    return plane - local_mean(plane, sigma_px=sigma_px)
