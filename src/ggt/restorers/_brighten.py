"""Low light: divides by an estimate of the illumination that follows edges, so that lights and shadows stay.

Guo, Li, Ling: LIME, TIP 2017 (illumination = largest channel, refined; gamma on the illumination); the refinement is a
guided filter instead of LIME's optimisation.
"""

from dataclasses import replace

import numpy as np

from ggt.images import luma
from ggt.restorers._condition import Condition
from ggt.restorers._denoise import denoise
from ggt.restorers._guided import guided
from ggt.types import FloatImage, Plane

TARGET_LUMA = 0.33
"""Mean luma that a dark picture is brought towards: still evening, no longer hidden. Ours."""
MAX_EXPONENT = 0.8
"""The value of the paper, which uses it for every picture."""
MAX_GAIN = 10.0
BLACK = 0.03
"""Light of 8 of 255: what lies below is mostly rounding and JPEG blocks, and gets ever less gain. Ours."""
QUANTISATION = 0.6
"""8-bit levels: what rounding and the coarse JPEG tables of dark areas add to any noise. Ours."""
MAX_NOISE = 14.0
"""The gain stops where the brightened noise would reach this many 8-bit levels. Ours."""


def brighten(picture: FloatImage, condition: Condition, strength: float) -> FloatImage:
    """Lift the shadows and denoise them by as much; `strength` 1 aims at TARGET_LUMA, 0 changes nothing."""
    factor = _factor(picture, condition, strength)
    bright = np.clip(picture * factor[..., None], 0, 1).astype(np.float32)
    most = float(np.quantile(factor[::4, ::4], 0.9))
    if most <= 1:
        return bright
    noise = most * max(condition.noise_sigma, QUANTISATION)
    lifted = np.clip((factor - 1) / (most - 1), 0, 1)
    clean = denoise(bright, replace(condition, noise_sigma=noise), 1.0)
    return (bright + lifted[..., None] * (clean - bright)).astype(np.float32)


def _factor(picture: FloatImage, condition: Condition, strength: float) -> Plane:
    """Gain of each pixel, 1 or more."""
    illumination = _illumination(picture)
    ceiling = min(MAX_GAIN, max(2.0, MAX_NOISE / max(condition.noise_sigma, QUANTISATION)))
    exponent = _exponent(picture, illumination, ceiling) * strength
    return _gain(illumination, min(exponent, 0.9), ceiling)


def _illumination(picture: FloatImage) -> Plane:
    """The light that falls on each pixel, above 0 up to 1."""
    largest = picture.max(axis=2)
    radius = max(4, min(largest.shape) // 16)
    smooth = guided(largest, luma(picture), radius_px=radius, epsilon=2e-3)
    return np.clip(smooth, 1 / 255, 1.0).astype(np.float32)


def _gain(illumination: Plane, exponent: float, ceiling: float) -> Plane:
    """Soft ceiling: the harmonic sum approaches it without a visible edge."""
    added = illumination**-exponent - 1
    added = added / (1 + added / (ceiling - 1))
    return (1 + added * np.minimum(illumination / BLACK, 1)).astype(np.float32)


def _exponent(picture: FloatImage, illumination: Plane, ceiling: float) -> float:
    """The smallest exponent that brings the lit part's mean luma to TARGET_LUMA, at most MAX_EXPONENT.

    Black parts do not count: a night sky must not make the lamps below it brighter still.
    """
    lit = illumination[::4, ::4] > BLACK
    grey, light = luma(picture)[::4, ::4][lit], illumination[::4, ::4][lit]
    if grey.size == 0:
        return MAX_EXPONENT
    low, high = 0.0, MAX_EXPONENT
    for _ in range(8):
        middle = (low + high) / 2
        bright = np.minimum(grey * _gain(light, middle, ceiling), 1.0)
        low, high = (middle, high) if float(bright.mean()) < TARGET_LUMA else (low, middle)
    return high
