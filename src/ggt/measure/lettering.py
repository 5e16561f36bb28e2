"""Where text may stand: rows of letter-like shapes, either for protection (errs towards text) or as a finding.

Classical detection by connected components and their grouping into lines, horizontal or vertical, as surveyed by Ye and
Doermann, Text Detection and Recognition in Imagery, TPAMI 2015, section 3.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ggt.types import Box, Mask, Plane

MIN_LETTERS = 3
MIN_HEIGHT_PX = 7
CONTRAST = 0.1
"""Least difference between a stroke and its ground, 0 to 1."""
STROKES = (60, 18)
"""Strokes are narrower than the short side divided by these: small and large lettering."""
MAX_SHAPES = 800
"""More shapes than that are texture; the largest are looked at."""
_WRITTEN_LETTERS = 5
_SEPARATION = 1.4
"""Difference of ink and ground over the sum of their deviations. This and the number of letters are ours, chosen on 80
photos: text is found in 7 of 12 that show some, and in 3 of 68 that show none (windows, spines, streaks of snow)."""


@dataclass(frozen=True, slots=True)
class _Strokes:
    """Narrow shapes of one polarity and size; `upright` is False for the transposed picture, where columns are rows."""

    grey: Plane
    mask: Mask
    upright: bool


def lettering(grey: Plane) -> Mask:
    """Find rows or columns of three or more letter-like shapes, with a margin of a third of their height.

    For whatever repairs by painting over. It errs towards protection: a fence or a row of windows is protected too.
    """
    found = np.zeros(grey.shape, np.uint8)
    for strokes in _all_strokes(grey):
        # The transposed view writes into the same mask.
        marked = found if strokes.upright else found.T
        for left, top, width, height, _ in np.concatenate([_NO_LETTERS, *_rows(strokes.mask)[1]]):
            margin = 1 + height // 3
            rows = slice(max(0, top - margin), top + height + margin)
            columns = slice(max(0, left - margin), left + width + margin)
            marked[rows, columns] = 1
    return found > 0


def written_places(grey: Plane) -> tuple[Box, ...]:
    """Find places that are very likely written, largest first: five letters or more in a row, of even ink and ground.

    Neighbouring lines are one place. Text that is skewed, of fewer letters, or on a patterned ground is not found.
    """
    found = np.zeros(grey.shape, np.uint8)
    for strokes in _all_strokes(grey):
        labels, rows = _rows(strokes.mask)
        for letters in rows:
            if len(letters) >= _WRITTEN_LETTERS and _is_even(strokes.grey, labels, letters):
                box = _around(letters)
                margin = 1 + box.height // 2
                marked = found if strokes.upright else found.T
                marked[
                    max(0, box.top - margin) : box.top + box.height + margin,
                    max(0, box.left - margin) : box.left + box.width + margin,
                ] = 1
    _, _, stats, _ = cv2.connectedComponentsWithStats(found, connectivity=8)
    places = [Box(*map(int, row[:4])) for row in stats[1:]]
    return tuple(sorted(places, key=lambda box: (-box.width * box.height, box.top, box.left)))


_NO_LETTERS = np.zeros((0, 5), np.int32)
"""Letters are rows of left, top, width, height and label."""


def _all_strokes(grey: Plane) -> Iterator[_Strokes]:
    for operation in (cv2.MORPH_TOPHAT, cv2.MORPH_BLACKHAT):
        for division in STROKES:
            side = max(5, 2 * (min(grey.shape) // division // 2) + 1)
            strokes = cv2.morphologyEx(grey, operation, np.ones((side, side), np.uint8)) > CONTRAST
            yield _Strokes(grey, strokes, upright=True)
            yield _Strokes(grey.T, strokes.T, upright=False)


def _rows(strokes: Mask) -> tuple[np.ndarray, list[np.ndarray]]:
    """Label the shapes, and return the letters of each row of at least three."""
    contiguous = np.ascontiguousarray(strokes, np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(contiguous, connectivity=8)
    letters = _letter_like(stats, max_height=strokes.shape[0] // 3)
    if len(letters) < MIN_LETTERS:
        return labels, []
    first, second = np.nonzero(_neighbours(letters))
    size = len(letters)
    links = coo_array((np.ones(len(first), bool), (first, second)), shape=(size, size))
    _, row = connected_components(links, directed=False)
    counts = np.bincount(row)
    return labels, [letters[row == index] for index in np.flatnonzero(counts >= MIN_LETTERS)]


def _letter_like(stats: np.ndarray, *, max_height: int) -> np.ndarray:
    width, height, area = stats[:, 2], stats[:, 3], stats[:, 4]
    fill = area / (width * height)
    plausible = (height >= MIN_HEIGHT_PX) & (height <= max_height) & (width >= 0.08 * height)
    plausible &= (width <= 2.5 * height) & (fill >= 0.15) & (fill <= 0.98)
    plausible[0] = False  # the ground
    labels = np.flatnonzero(plausible)
    labels = labels[np.argsort(-area[labels], kind="stable")[:MAX_SHAPES]]
    return np.column_stack([stats[labels, :4], labels])


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


def _around(letters: np.ndarray) -> Box:
    left, top = (int(edge) for edge in letters[:, :2].min(axis=0))
    right, bottom = (int(edge) for edge in (letters[:, :2] + letters[:, 2:4]).max(axis=0))
    return Box(left, top, right - left, bottom - top)


def _is_even(grey: Plane, labels: np.ndarray, letters: np.ndarray) -> bool:
    """Whether ink and ground differ by more than each varies: print does, texture does not."""
    box = _around(letters)
    inside = (slice(box.top, box.top + box.height), slice(box.left, box.left + box.width))
    ink = np.isin(labels[inside], letters[:, 4])
    written, ground = grey[inside][ink], grey[inside][~ink]
    if not ground.size:
        return False
    spread = float(written.std() + ground.std()) + 0.01
    return abs(float(written.mean() - ground.mean())) >= _SEPARATION * spread
