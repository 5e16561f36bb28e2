"""Compression: how far the coefficients of JPEG's own 8x8 blocks stand apart from those of blocks between them.

Quantisation leaves no small coefficients but zeros in the blocks that were coded; blocks four pixels off mix their
neighbours and have as many as any photo. Unlike steps at the grid, this shows in flat and in rough pictures alike.
"""

import cv2
import numpy as np

from ggt.measure.detail import Features, log
from ggt.types import Plane

_GRID = 8
_MATRIX = cv2.dct(np.eye(_GRID, dtype=np.float32), flags=cv2.DCT_ROWS).T
"""Rows are the waves of the one-dimensional transform."""


def compression_features(lq: Plane, hq: Plane) -> Features:
    """Measure luma planes whose grid, if any, starts in the upper left corner; on a quarter of the blocks."""
    small_lq, rough_lq = _gap(lq)
    small_hq, rough_hq = _gap(hq)
    return {
        "gap_lq": small_lq,
        "gap_hq": small_hq,
        "rough_gap_lq": rough_lq,
        "rough_gap_hq": rough_hq,
    }


def _gap(plane: Plane) -> tuple[float, float]:
    """Logarithms of how many small and how strong fine coefficients blocks between the grid have over those on it."""
    on, off = (_coefficients(plane[start:, start:]) for start in (0, _GRID // 2))
    order = np.add.outer(np.arange(_GRID), np.arange(_GRID))
    middle = (order >= 2) & (order <= 6)
    small = [float(((c[:, middle] > 3) & (c[:, middle] < 9)).mean()) for c in (on, off)]
    fine = [float((c[:, order > 6] ** 2).mean()) for c in (on, off)]
    return log((small[1] + 0.001) / (small[0] + 0.001)), log((fine[1] + 0.1) / (fine[0] + 0.1))


def _coefficients(plane: Plane) -> np.ndarray:
    """Absolute coefficients, in levels, of every other block along both sides."""
    height, width = (length // _GRID * _GRID for length in plane.shape)
    blocks = plane[:height, :width].reshape(height // _GRID, _GRID, -1, _GRID)[::2, :, ::2]
    blocks = blocks.transpose(0, 2, 1, 3).reshape(-1, _GRID, _GRID) * np.float32(255)
    return np.abs(_MATRIX @ blocks @ _MATRIX.T)
