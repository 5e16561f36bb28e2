"""Fading: stretches the tones back to black and white, and takes away part of a cast, without clipping."""

import numpy as np

from ggt.images import luma
from ggt.restorers._condition import Condition
from ggt.types import FloatImage

TAILS = (0.005, 0.995)
"""Quantiles of luma and of the largest channel that become black and white."""
BLACK, WHITE = 0.03, 0.97
MAX_STRETCH = 1.4
"""A stretch beyond that shows banding and grain. Ours."""
MAX_NOISE = 8.0
"""The stretch stops where the noise would reach this many 8-bit levels. Ours."""
CAST_REMOVED = 0.35
"""Share of the cast that is taken away: brown may be age or the print's own toning, and no measurement tells. Ours."""


def unfade(picture: FloatImage, condition: Condition, strength: float) -> FloatImage:
    """Stretch luma, keeping hues; `strength` 0 changes nothing, above 1 nothing more."""
    grey = luma(picture)
    low = float(np.quantile(grey[::4, ::4], TAILS[0]))
    # The brightest channel, or a blue backdrop would clip to white.
    high = float(np.quantile(picture[::4, ::4].max(axis=2), TAILS[1]))
    quiet = MAX_NOISE / max(condition.noise_sigma, 0.1)
    slope = min(MAX_STRETCH, quiet, (WHITE - BLACK) / max(high - low, 1e-3))
    if slope <= 1:
        return picture
    middle = (low + high) / 2
    centre = min(max(middle, slope * (high - low) / 2 + BLACK), 1)
    stretched = (picture - middle) * slope + centre
    share = min(strength, 1.0)
    return np.clip(picture + share * (stretched - picture), 0, 1).astype(np.float32)


def uncast(picture: FloatImage, _: Condition, strength: float) -> FloatImage:
    """Take away part of the cast of the paper: what the brightest and the darkest tones have in common.

    Only where it is warmer than grey: paper yellows, and a blue that the ends share is a sky or a studio's backdrop.
    """
    grey = luma(picture)
    share = min(1.0, CAST_REMOVED * strength)
    low, high = np.quantile(grey[::4, ::4], (0.1, 0.9))
    ends = [picture[mask].mean(axis=0) for mask in (grey <= low, grey >= high)]
    casts = [end - end.mean() for end in ends]
    common = np.where(np.sign(casts[0]) == np.sign(casts[1]), np.mean(casts, axis=0), 0)
    if common[0] <= common[2]:
        return picture
    return np.clip(picture - share * common, 0, 1).astype(np.float32)
