"""The guided filter, computed on a reduced grid: smooths a map and keeps the edges of the picture.

He, Sun, Tang: Guided Image Filtering, TPAMI 2013, equations 5, 6 and 8; the reduced grid is He and Sun,
Fast Guided Filter, arXiv 1505.00996. OpenCV's own is in a contrib package that ggt does not install.
"""

import cv2
import numpy as np

from ggt.types import Plane


def guided(
    plane: Plane, guide: Plane, *, radius_px: int, epsilon: float, reduction: int = 4
) -> Plane:
    """Smooth `plane` where `guide` is smooth.

    `radius_px` counts pixels of the full grid; `epsilon` is the variance of the guide below which it counts as flat.
    """
    height, width = guide.shape
    small = (max(1, width // reduction), max(1, height // reduction))
    radius = max(1, radius_px // reduction)
    low_guide, low_plane = _shrunk(guide, small), _shrunk(plane, small)
    mean_guide, mean_plane = _mean(low_guide, radius), _mean(low_plane, radius)
    covariance = _mean(low_guide * low_plane, radius) - mean_guide * mean_plane
    variance = _mean(low_guide * low_guide, radius) - mean_guide * mean_guide
    slope = covariance / (variance + np.float32(epsilon))
    offset = mean_plane - slope * mean_guide
    slope, offset = (
        cv2.resize(_mean(part, radius), (width, height), interpolation=cv2.INTER_LINEAR)
        for part in (slope, offset)
    )
    return (slope * guide + offset).astype(np.float32)


def _shrunk(plane: Plane, size: tuple[int, int]) -> Plane:
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32)


def _mean(plane: Plane, radius: int) -> Plane:
    side = 2 * radius + 1
    return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT).astype(np.float32)
