"""Category: a guess for photos of which nobody said it, with how far the guess can be trusted."""

import cv2
import numpy as np

from ggt.images import luma, thumbnail, to_float
from ggt.measure.exposure import SMALL_SIDE
from ggt.types import Category, Image, Measurements

_DARK = (0.25, 0.10)
"""Mean luma at which low light begins to be likely, and where it is certain."""
_ONE_HUE = (0.055, 0.025)
"""Colour that is not explained by luma: sepia prints have hardly any."""
_WARM = (0.03, 0.10)
"""Mean of red minus blue: yellowed paper."""
_VEILED = (0.12, 0.35)
"""25th percentile of the dark channel."""
_SOFT = (0.10, 0.045)
"""Deviation over mean of luma in patches of 15x15."""
_NO_COLOUR = (0.12, 0.04)
"""Mean of the largest minus the smallest channel."""
_SUREST_OF_OLD = 0.8
"""Warm light on a scene of one hue looks the same."""
_SURE_OF_GENERAL = 0.5
"""Rain and snow look like texture to these measurements, so `general` is never more certain than this."""


def guess_category(measured: Measurements, image: Image) -> tuple[Category, float]:
    """Guess lowlight, old or haze by clear signs, else general; the confidence is 0 to 1.

    `image` is the photo, or its copy with a short side of 256 pixels. Rain and snow are never guessed: state them by
    folder name or sidecar.
    """
    small = to_float(thumbnail(image, SMALL_SIDE))
    likely: dict[Category, float] = {
        "lowlight": _ramp(measured.mean_luma, _DARK),
        "old": _yellowed(small),
        "haze": _hazy(small),
    }
    best = max(likely, key=lambda category: likely[category])
    if likely[best] >= 0.5:
        return best, likely[best]
    return "general", _SURE_OF_GENERAL * (1 - likely[best])


def _yellowed(small: np.ndarray) -> float:
    small = np.ascontiguousarray(small[::2, ::2])
    values = luma(small)
    terms = np.stack([np.ones(values.size), values.ravel(), values.ravel() ** 2], axis=1)
    variance = 0.0
    for channel in (0, 2):
        difference = (small[:, :, channel] - values).ravel()
        fitted = np.linalg.lstsq(terms, difference, rcond=None)[0]
        variance += float(np.mean((difference - terms @ fitted) ** 2))
    warmth = float(np.mean(small[:, :, 0] - small[:, :, 2]))
    return _SUREST_OF_OLD * min(_ramp(variance**0.5, _ONE_HUE), _ramp(warmth, _WARM)) ** 0.5


def _hazy(small: np.ndarray) -> float:
    values = luma(small)
    darkest = cv2.min(cv2.min(small[:, :, 0], small[:, :, 1]), small[:, :, 2])
    brightest = cv2.max(cv2.max(small[:, :, 0], small[:, :, 1]), small[:, :, 2])
    dark_channel = cv2.erode(darkest, np.ones((7, 7), np.uint8))
    mean = cv2.blur(values, (15, 15))
    variance = np.maximum(cv2.blur(values * values, (15, 15)) - mean * mean, 0)
    detail = float(np.mean(np.sqrt(variance) / (mean + 0.05)))
    signs = (
        _ramp(float(np.percentile(dark_channel, 25)), _VEILED),
        _ramp(detail, _SOFT),
        _ramp(float(np.mean(brightest - darkest)), _NO_COLOUR),
    )
    return (signs[0] * signs[1] * signs[2]) ** (1 / 3)


def _ramp(value: float, ends: tuple[float, float]) -> float:
    """Rise from 0 at the first end to 1 at the second, which may be the smaller one."""
    return min(1.0, max(0.0, (value - ends[0]) / (ends[1] - ends[0])))
