"""Seams: straight lines across a picture where the change from lq to candidate steps, and bars along its border."""

from collections.abc import Sequence

import cv2
import numpy as np

from ggt.measure.bands import Band
from ggt.measure.detail import Features, log
from ggt.types import Image

_CELLS = 64


def seam_features(lq: Image, hq: Image) -> Features:
    """Find the seam over which the strength (`seam_change`) or the sign (`seam_tone`) of the change steps most."""
    size = (_CELLS, _CELLS)
    difference = cv2.absdiff(lq, hq)
    change = (
        cv2.resize(difference, size, interpolation=cv2.INTER_AREA).astype(np.float64).mean(axis=2)
    )
    tones = [
        cv2.resize(side, size, interpolation=cv2.INTER_AREA).astype(np.float64).mean(axis=2)
        for side in (lq, hq)
    ]
    by_change, step = _steepest(np.log(change + 0.5), error=0.03)
    by_tone, tone_step = _steepest(tones[1] - tones[0], error=0.3)
    return {
        "seam_change": by_change,
        "seam_change_step": step,
        "seam_tone": by_tone,
        "seam_tone_step": tone_step,
        "bars_px": float(max(0, _bars(hq) - _bars(lq))),
    }


def band_seams(bands: Sequence[Band]) -> Features:
    """Find the seam over which the gain or the likeness of fine detail steps most."""
    features: Features = {}
    for k, band in enumerate(bands[:3]):
        gain = np.log((band.hh + 0.5) / (band.ll + 0.5))
        likeness = band.lh / np.sqrt(band.ll * band.hh + 0.5)
        for name, grid, error in (("gain", gain, 0.05), ("likeness", likeness, 0.02)):
            ratio, step = _steepest(grid, error=error)
            features |= {f"seam_{name}_{k}": ratio, f"seam_{name}_step_{k}": step}
    return features


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
