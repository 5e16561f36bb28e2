"""Redrawn texture: grass, hair, stone are drawn anew: plausible, and not what was there."""

import cv2
import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._regions import require_room, structure
from ggt.images import luma, to_float, to_uint8
from ggt.measure.fields import finer, local_mean
from ggt.types import Plane

COARSE_PX = 6.0
"""Structure wider than this is kept; only what is finer is drawn anew."""


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Replace 45 to 100 % of the fine texture (59 % at subtle) by one of the same spectrum; lines and edges stay.

    The fine part of luma keeps its amplitudes and gets random phases; locally it keeps its strength.
    """
    require_room(pair.hq, "redrawn_texture")
    amount = 0.45 + 0.55 * strength
    picture = to_float(pair.hq)
    grey = luma(picture)
    fine = finer(grey, sigma_px=COARSE_PX)
    contrast = structure(pair.hq, scale_px=COARSE_PX) / 255 + np.float32(0.01)
    redrawn = contrast * _random_phases(fine / contrast, rng)
    textured = np.clip((contrast * 255 - 5) / 5, 0, 1) * np.clip(
        (0.75 - _coherence(grey)) / 0.2, 0, 1
    )
    weight = local_mean(textured, sigma_px=3.0) * np.float32(amount)
    # The old and the new texture are independent: with these weights the energy stays what it was.
    change = (np.sqrt(np.maximum(1 - weight**2, 0)) - 1) * fine + weight * redrawn
    hq = to_uint8(picture + change[..., None])
    parameters = {"amount": amount, "textured_share": float(textured.mean())}
    return Planted(pair.lq, hq, parameters, decidable=shows(pair, hq))


def _random_phases(texture: Plane, rng: np.random.Generator) -> Plane:
    """Return a texture of the same spectrum and other details."""
    phases = np.fft.rfft2(rng.standard_normal(texture.shape))
    phases /= np.abs(phases) + 1e-12
    redrawn = np.fft.irfft2(np.abs(np.fft.rfft2(texture)) * phases, s=texture.shape)
    return redrawn.astype(np.float32)


def _coherence(grey: Plane) -> Plane:
    """How much gradients within 6 pixels agree in direction: 1 on a line or an edge, near 0 in grass."""
    right, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, yy, xy = (
        local_mean(product, sigma_px=COARSE_PX)
        for product in (right * right, down * down, right * down)
    )
    return (np.hypot(xx - yy, 2 * xy) / (xx + yy + np.float32(1e-6))).astype(np.float32)


PLUGIN = Fault(
    plant=plant,
    aspects=("object_consistency", "content_reasonableness"),
    source="Blau and Michaeli 2018, The perception-distortion tradeoff; texture redrawn by generative restorers",
)
