"""Noise: the standard deviation of luma in the flattest parts of a photo.

The flattest blocks are taken because texture cannot be told from noise elsewhere; fine and coarse grain both
count, since real noise is spatially correlated and estimators that look at the finest scale alone miss most of it.
"""

import cv2
import numpy as np

from ggt.measure.tiles import Tiles
from ggt.types import Plane

_BLOCK = 16
_SMOOTHING_PX = 3.0
_FLATTEST_PERCENT = 1.0
_EXPECTED_SHARE = 0.91
"""The first percentile of the sample deviation of white noise over 16x16 pixels, as a share of the true one."""
_MARGIN = 8 / 255
"""Blocks nearer than this to black or white are clipped, so their deviation says nothing."""


def noise_sigma(tiles: Tiles) -> float:
    """Estimate the deviation of the luma noise in 8-bit levels; 0 where nothing can be measured.

    A photo without any flat block (foliage from edge to edge) reads too high.
    """
    measured = [_blocks(tile) for tile in tiles if min(tile.shape) >= _BLOCK]
    if not measured:
        return 0.0
    deviations = np.concatenate([deviation for deviation, _ in measured])
    means = np.concatenate([mean for _, mean in measured])
    sigma = 0.0
    for _ in range(2):  # strong noise clips further from the ends than weak noise
        margin = max(_MARGIN, 2 * sigma)
        usable = deviations[(means > margin) & (means < 1 - margin)]
        if usable.size == 0:
            break
        sigma = float(np.percentile(usable, _FLATTEST_PERCENT)) / _EXPECTED_SHARE
    return sigma * 255


def _blocks(tile: Plane) -> tuple[np.ndarray, np.ndarray]:
    """Return deviation and mean of each block."""
    rest = tile - cv2.GaussianBlur(tile, (0, 0), _SMOOTHING_PX)
    size = (tile.shape[1] // _BLOCK, tile.shape[0] // _BLOCK)
    variance = cv2.resize(rest * rest, size, interpolation=cv2.INTER_AREA)
    mean = cv2.resize(tile, size, interpolation=cv2.INTER_AREA)
    return np.sqrt(variance).ravel(), mean.ravel()
