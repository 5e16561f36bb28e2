"""Bands: the detail of both sides of a pair, octave by octave and cell by cell, as second moments.

From `ll`, `hh` and `lh` follow how much of each side the other explains and with which slope; ratios of moments do not
change with the local contrast of haze or shade.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64

from ggt.types import Plane

CELLS = 32
"""Cells along each side."""
NUM_BANDS = 5
"""Octaves: the first has periods below some 6 pixels of the pair, the last some 50 to 100 pixels."""

Grid = Float64[np.ndarray, "cells cells"]


@dataclass(frozen=True, slots=True)
class Band:
    """Mean squares of the lq's and the candidate's detail, and their mean product, in squared levels."""

    ll: Grid
    hh: Grid
    lh: Grid


def split(lq: Plane, hq: Plane) -> tuple[Band, ...]:
    """Measure all octaves of two planes of the same size (luma, 0 to 1), fine to coarse."""
    bands: list[Band] = []
    planes: list[Plane] = [lq, hq]
    for _ in range(NUM_BANDS):
        smooth: list[Plane] = [cv2.GaussianBlur(plane, (0, 0), 1.2) for plane in planes]
        one: Plane = planes[0] - smooth[0]
        two: Plane = planes[1] - smooth[1]
        bands.append(Band(_cells(one * one), _cells(two * two), _cells(one * two)))
        size = (max(CELLS, planes[0].shape[1] // 2), max(CELLS, planes[0].shape[0] // 2))
        planes = [cv2.resize(low, size, interpolation=cv2.INTER_AREA) for low in smooth]
    return tuple(bands)


def _cells(plane: Plane) -> Grid:
    size = (CELLS, CELLS)
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float64) * 255.0**2


def around(grid: Grid, cells: int) -> Grid:
    """Mean over a square of so many cells around each one."""
    return cv2.blur(grid, (cells, cells), borderType=cv2.BORDER_REFLECT)


def noise_floor(band: Band) -> float:
    """Energy of what the candidate does not explain in the flattest cells: the lq's noise in this octave."""
    slope = around(band.lh, 3) / np.maximum(around(band.hh, 3), 1e-3)
    rest = band.ll - 2 * slope * band.lh + slope**2 * band.hh
    flattest = band.hh <= np.percentile(band.hh, 40)
    return float(max(0.02, np.percentile(np.maximum(rest[flattest], 0), 30)))
