"""Haze: the dark channel prior, with a tolerance for sky and without darkening the picture.

He, Sun, Tang: Single Image Haze Removal Using Dark Channel Prior, TPAMI 2011. The tolerance for bright regions
without texture follows Jiang et al., Computers and Electrical Engineering 2017 (transmission raised where the colour
is near the airlight's).
"""

import cv2
import numpy as np

from ggt.images import luma
from ggt.restorers._condition import Condition
from ggt.restorers._guided import guided
from ggt.types import FloatImage, Plane

OMEGA = 0.8
"""Share of the haze that is taken away: the paper's 0.95 looks like cut-out scenery on real photos. Ours."""
MIN_TRANSMISSION = 0.35
"""Below this the veil is mostly noise and JPEG blocks. The paper's is 0.1."""
MAX_NOISE = 12.0
"""Clearing stops where the noise, which it divides by the transmission, would reach this many 8-bit levels. Ours."""
SKY_DISTANCE = 0.28
"""Largest channel difference from the airlight, 0 to 1, up to which a pixel may be sky. Ours."""
FLAT = 0.025
"""Local deviation of luma, 0 to 1, at which a region counts as half empty. Ours."""
FLAT_SHARE = 0.4
"""Of the haze over an empty region this share goes. Ours."""
MAX_CHROMA_GAIN = 1.5
"""Dehazing may strengthen colour this much on average; more looks painted. Ours."""


def dehaze(picture: FloatImage, condition: Condition, strength: float) -> FloatImage:
    """Remove haze; `strength` 1 is the usual share, 0 none."""
    airlight = _airlight(picture)
    least = float(np.clip(condition.noise_sigma / MAX_NOISE, MIN_TRANSMISSION, 0.9))
    transmission = _transmission(picture, airlight, omega=min(0.95, OMEGA * strength), least=least)
    clear = (picture - airlight) / transmission[..., None] + airlight
    return _natural(np.clip(clear, 0, 1).astype(np.float32), picture)


def _airlight(picture: FloatImage) -> FloatImage:
    """The haze's colour: the mean of the 0.1 % of pixels with the brightest dark channel, shape (3,)."""
    dark = _dark_channel(picture)
    threshold = np.quantile(dark, 0.999)
    found = picture[dark >= threshold].mean(axis=0)
    # Taking away a coloured veil turns far things to the opposite colour: half of its colour stays.
    return np.clip((found + found.mean()) / 2, 0.4, 1.0).astype(np.float32)


def _transmission(
    picture: FloatImage, airlight: FloatImage, *, omega: float, least: float
) -> Plane:
    """Share of the scene's light that reaches the camera, `least` to 1."""
    coarse = 1 - omega * _dark_channel(picture / airlight)
    distance = np.abs(picture - airlight).max(axis=2)
    sky = np.maximum(SKY_DISTANCE / (distance + 1e-3), 1.0)
    raised = 1 - (1 - np.clip(coarse * sky, least, 1.0)) * _worth(luma(picture))
    # One patch of the dark channel is short side / 40: the filter's window must bridge several.
    radius = max(4, min(picture.shape[:2]) // 12)
    refined = guided(raised.astype(np.float32), luma(picture), radius_px=radius, epsilon=1e-4)
    return np.clip(refined, least, 1.0).astype(np.float32)


def _worth(grey: Plane) -> Plane:
    """How much of the haze should go, by local contrast, 0 to 1.

    Dense fog without structure holds no scene to bring back: clearing it only turns it brown.
    """
    side = 2 * (min(grey.shape) // 24) + 1
    mean = cv2.blur(grey, (side, side))
    variance = np.maximum(cv2.blur(grey * grey, (side, side)) - mean * mean, 0)
    textured = variance / (variance + np.float32(FLAT**2))
    return (FLAT_SHARE + (1 - FLAT_SHARE) * textured).astype(np.float32)


def _dark_channel(picture: FloatImage) -> Plane:
    """Smallest channel within a patch of a 40th of the short side (15 px at the paper's sizes)."""
    side = 2 * (min(picture.shape[:2]) // 80) + 1
    return cv2.erode(picture.min(axis=2), np.ones((side, side), np.uint8)).astype(np.float32)


def _natural(clear: FloatImage, before: FloatImage) -> FloatImage:
    """Undo what dehazing overdoes: the darkening of the whole, and colour beyond what haze can hide."""
    grey, grey_before = luma(clear), luma(before)
    target = 0.9 * float(np.median(grey_before))
    median = float(np.clip(np.median(grey), 0.02, 0.98))
    gamma = float(np.clip(np.log(np.clip(target, 0.05, 0.95)) / np.log(median), 0.55, 1.0))
    bright = clear**gamma
    grey = luma(bright)[..., None]
    chroma = float(np.abs(bright - grey).mean())
    chroma_before = float(np.abs(before - grey_before[..., None]).mean())
    keep = min(1.0, (MAX_CHROMA_GAIN * chroma_before + 0.01) / (chroma + 1e-6))
    return np.clip(grey + keep * (bright - grey), 0, 1).astype(np.float32)
