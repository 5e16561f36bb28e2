"""Where text may stand: rows of three or more letter-like shapes. Whatever repairs by painting over leaves them alone.

Classical detection by connected components and their grouping into lines, horizontal or vertical, as surveyed by Ye and
Doermann, Text Detection and Recognition in Imagery, TPAMI 2015, section 3. It errs towards protection: a fence or a
row of windows is protected too.
"""

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ggt.types import Mask, Plane

MIN_LETTERS = 3
MIN_HEIGHT_PX = 7
CONTRAST = 0.1
"""Least difference between a stroke and its ground, 0 to 1."""
STROKES = (60, 18)
"""Strokes are narrower than the short side divided by these: small and large lettering."""
MAX_SHAPES = 800
"""More shapes than that are texture; the largest are looked at."""


def lettering(grey: Plane) -> Mask:
    """Find text of either polarity, in rows or in columns, with a margin of a third of its height."""
    found = np.zeros(grey.shape, np.uint8)
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        for division in STROKES:
            side = max(5, 2 * (min(grey.shape) // division // 2) + 1)
            strokes = cv2.morphologyEx(grey, operation, np.ones((side, side), np.uint8)) > CONTRAST
            _mark_rows(found, strokes)
            # A column is a row of the transposed picture; the transposed view writes into the same mask.
            _mark_rows(found.T, strokes.T)
    return found > 0


def _mark_rows(found: np.ndarray, strokes: Mask) -> None:
    for left, top, width, height in _rows(strokes):
        margin = 1 + height // 3
        rows = slice(max(0, top - margin), top + height + margin)
        columns = slice(max(0, left - margin), left + width + margin)
        found[rows, columns] = 1


def _rows(strokes: Mask) -> np.ndarray:
    """Boxes (left, top, width, height) of the letters that stand in a row with at least two others."""
    contiguous = np.ascontiguousarray(strokes, np.uint8)
    _, _, stats, _ = cv2.connectedComponentsWithStats(contiguous, connectivity=8)
    letters = _letter_like(stats[1:], max_height=strokes.shape[0] // 3)
    if len(letters) < MIN_LETTERS:
        return letters[:0, :4]
    first, second = np.nonzero(_neighbours(letters))
    size = len(letters)
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(size, size))
    _, row = connected_components(links, directed=False)
    return letters[np.bincount(row)[row] >= MIN_LETTERS, :4]


def _letter_like(stats: np.ndarray, *, max_height: int) -> np.ndarray:
    width, height, area = stats[:, 2], stats[:, 3], stats[:, 4]
    fill = area / (width * height)
    plausible = (height >= MIN_HEIGHT_PX) & (height <= max_height) & (width >= 0.08 * height)
    plausible &= (width <= 2.5 * height) & (fill >= 0.15) & (fill <= 0.98)
    letters = stats[plausible]
    return letters[np.argsort(-letters[:, 4], kind="stable")[:MAX_SHAPES]]


def _neighbours(letters: np.ndarray) -> np.ndarray:
    """True where the second box follows the first in a line: same size, same base or top line, a letter's gap."""
    left, top, width, height = (letters[:, index].astype(np.float32) for index in range(4))
    taller = np.maximum(height[:, None], height[None])
    shorter = np.minimum(height[:, None], height[None])
    bottom = top + height
    gap = left[None] - (left + width)[:, None]
    on_line = (
        np.minimum(np.abs(bottom[:, None] - bottom[None]), np.abs(top[:, None] - top[None]))
        <= 0.2 * taller
    )
    near = (gap >= -0.2 * shorter) & (gap <= 1.2 * taller) & (left[None] > left[:, None])
    return near & on_line & (taller <= 1.8 * shorter)
