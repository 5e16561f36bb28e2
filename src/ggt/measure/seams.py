"""Seams: straight lines across a picture where the change from lq to candidate steps, and bars along its border."""

import cv2
import numpy as np

from ggt.images import luma
from ggt.measure.detail import Features, log
from ggt.types import Image, Plane

_CELLS = 64
_STRIPS = 16
_REACH = 3
"""Columns on either side of a line that are compared ..."""
_FAR = 8
"""... and of the lq's detail, which blur has spread."""


def seam_features(lq: Image, hq: Image) -> Features:
    """Find the line at which the strength of the change steps (`seam_line`), and where its sign does (`seam_tone`)."""
    size = (_CELLS, _CELLS)
    tones = [
        cv2.resize(side, size, interpolation=cv2.INTER_AREA).astype(np.float64).mean(axis=2)
        for side in (lq, hq)
    ]
    by_tone, tone_step = _steepest(tones[1] - tones[0], error=0.3)
    grey = luma(lq)
    change = luma(cv2.absdiff(lq, hq).astype(np.uint8, copy=False))
    detail = cv2.absdiff(grey, cv2.GaussianBlur(grey, (0, 0), 2.0)).astype(np.float32, copy=False)
    return {
        "seam_line": max(_sharpest(change, detail), _sharpest(change.T, detail.T)),
        "seam_tone": by_tone,
        "seam_tone_step": tone_step,
        "bars_px": float(max(0, _bars(hq) - _bars(lq))),
    }


def _sharpest(change: Plane, detail: Plane) -> float:
    """How far the strongest step between neighbouring columns stands out, in natural logarithms.

    That is its ratio to its error, plus its ratio to the next one elsewhere, less twice what the lq's own detail steps
    there. Columns next to each other show the same scene, so what changes from one to the other along the whole
    height is not the scene's doing; where it is (a book on a carpet), the lq's own detail steps as well.
    """
    steps = _steps(change, _REACH)
    median = np.median(steps, axis=0)
    spread = 1.48 * np.median(np.abs(steps - median), axis=0) / _STRIPS**0.5
    ratios = np.abs(median) / (spread + 1.48 * float(np.median(np.abs(median))) + 0.03)
    rim = len(ratios) // 5  # seams nearer to the border leave too little to compare
    at = rim + int(ratios[rim : len(ratios) - rim].argmax())
    places = np.arange(len(ratios))
    elsewhere = (np.abs(places - at) > _FAR) & (places >= rim) & (places < len(ratios) - rim)
    highest, next_one = log(float(ratios[at]) + 0.1), log(float(ratios[elsewhere].max()) + 0.1)
    own = float(np.median(_steps(detail, _FAR), axis=0)[at - (_FAR - _REACH)] * np.sign(median[at]))
    return 2 * highest - next_one - 2 * max(own, 0.0)


def _steps(plane: Plane, reach: int) -> np.ndarray:
    """Step of the logarithm from `reach` columns before to as many after each line, for each strip of rows."""
    strips = np.stack([strip.mean(axis=0) for strip in np.array_split(plane * 255, _STRIPS)])
    summed = np.pad(np.cumsum(strips, axis=1, dtype=np.float64), ((0, 0), (1, 0)))
    means = (summed[:, reach:] - summed[:, :-reach]) / reach
    return np.log((means[:, reach:] + 0.3) / (means[:, :-reach] + 0.3))


def _steepest(field: np.ndarray, *, error: float) -> tuple[float, float]:
    """Logarithm of the largest ratio of a step's median to its error along the line, and that step."""
    best = step = 0.0
    count = field.shape[0]
    first, last = (
        count // 5,
        count * 4 // 5,
    )  # seams nearer to the border leave too little to compare
    for rows in (field, field.T):
        means = (rows[:, :-1] + rows[:, 1:]) / 2
        # One cell is skipped, since the seam may run through it.
        steps = means[:, first + 1 : last + 2] - means[:, first - 2 : last - 1]
        median = np.median(steps, axis=0)
        spread = 1.48 * np.median(np.abs(steps - median), axis=0) / count**0.5
        ratios = np.abs(median) / (spread + error)
        at = int(ratios.argmax())
        if ratios[at] > best:
            best, step = float(ratios[at]), float(abs(median[at]))
    return log(best + 0.1), step


def _bars(image: Image) -> int:
    """Depth of the widest border of one colour, up to a quarter of the picture."""
    depth = 0
    for lines in (image, image[::-1], image.transpose(1, 0, 2), image.transpose(1, 0, 2)[::-1]):
        quarter = lines[: len(lines) // 4, ::4].astype(np.float32)
        uniform = quarter.std(axis=1).max(axis=1) < 2.0
        depth = max(depth, len(uniform) if uniform.all() else int(uniform.argmin()))
    return depth
