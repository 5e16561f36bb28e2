"""Which side of a pair looks like the better one: evidence that an lq and its gt were swapped."""

import cv2
import numpy as np

from ggt.images import luma
from ggt.measure.photo import measure_photo
from ggt.types import Image, Measurements, Plane

# All ours, chosen so that no right pair of 10 clean photos under 11 degradations at two strengths is suspected.
_NOISIER = 2.0
"""8-bit levels of noise sigma by which the gt must exceed the lq."""
_MUCH_SHARPER = 0.65
"""Width of the gt's edges over the lq's, below which the gt's noise is taken for detail that a blur removed."""
_FLATTER = 0.7
"""The gt's contrast over the lq's: haze, dark and faded pictures lie below."""
_EXPLAINED = 0.6
"""Share of the squared difference that must go when the lq is blurred, for the gt to be a blurred lq."""
_SAME_CONTRAST = 0.1
_BEYOND_NOISE = 3.0
"""How many times the variance of the lq's noise the squared difference must be, not to be that noise alone."""
_BLUR_SIGMAS = (0.7, 1.0, 1.5, 2.0, 3.0, 4.5)
_SAMPLE_SIDE = 512


def suspect_swap(lq: Image, gt: Image) -> str | None:
    """Say in what the lq looks better than the gt of the same size, or None: most swaps show, not all.

    Noise, blur and lost contrast leave traces that tell the sides apart; rain, snow and JPEG hardly do.
    """
    low, high = measure_photo(lq), measure_photo(gt)
    if high.contrast < _FLATTER * low.contrast:
        return f"the gt has less contrast ({high.contrast:.2f} against {low.contrast:.2f})"
    wider = high.blur_px / low.blur_px if low.blur_px > 0 else 1.0
    # Haze and darkness hide noise as they hide contrast, so the gt's is compared as if it were as flat as the lq.
    flattened = high.noise_sigma * min(1.0, low.contrast / max(high.contrast, 1e-6))
    if flattened - low.noise_sigma >= _NOISIER and wider >= _MUCH_SHARPER:
        return (
            f"the gt is noisier (sigma {high.noise_sigma:.1f} against {low.noise_sigma:.1f} levels)"
        )
    if wider > 1 and _is_blurred_copy(lq, gt, low, high):
        return f"the gt is the lq, blurred (edges {high.blur_px:.2f} against {low.blur_px:.2f} px)"
    return None


def _is_blurred_copy(lq: Image, gt: Image, low: Measurements, high: Measurements) -> bool:
    """Say whether blurring the lq gives the gt, with the same contrast and more gone than the lq's noise."""
    if abs(high.contrast - low.contrast) > _SAME_CONTRAST * low.contrast:
        return False
    sharp, soft = _sample(lq), _sample(gt)
    before = _squared_error(sharp, soft)
    if before <= _BEYOND_NOISE * (low.noise_sigma / 255) ** 2:
        return False
    after = min(_squared_error(cv2.GaussianBlur(sharp, (0, 0), s), soft) for s in _BLUR_SIGMAS)
    return 1 - after / before >= _EXPLAINED


def _sample(image: Image) -> Plane:
    """Take the luma of the middle."""
    top, left = (max(0, (side - _SAMPLE_SIDE) // 2) for side in image.shape[:2])
    return luma(image[top : top + _SAMPLE_SIDE, left : left + _SAMPLE_SIDE])


def _squared_error(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.mean((first - second) ** 2))
