"""Redrawn texture: grass, hair, stone are drawn anew: plausible, and not what was there."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._regions import require_room, structure
from ggt.images import luma, to_float, to_uint8
from ggt.measure.fields import local_mean

COARSE_PX = 6.0
"""Structure wider than this is kept; only what is finer is drawn anew."""


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Replace 40 to 100 % of the fine texture (55 % at subtle), where there is texture, by one of the same spectrum.

    The fine part of luma keeps its amplitudes and gets random phases; locally it keeps its strength.
    """
    require_room(pair.hq, "redrawn_texture")
    amount = 0.4 + 0.6 * strength
    picture = to_float(pair.hq)
    grey = luma(picture)
    fine = grey - local_mean(grey, sigma_px=COARSE_PX)
    strength_map = structure(pair.hq, scale_px=12.0) / 255
    even = fine / (strength_map + np.float32(0.01))
    phases = np.fft.rfft2(rng.standard_normal(grey.shape))
    phases /= np.abs(phases) + 1e-12
    redrawn = np.fft.irfft2(np.abs(np.fft.rfft2(even)) * phases, s=grey.shape).astype(np.float32)
    redrawn *= strength_map + np.float32(0.01)
    weight = np.clip((strength_map * 255 - 3) / 5, 0, 1) * np.float32(amount)
    # Two independent textures, mixed so that the energy stays what it was.
    change = (np.sqrt(1 - weight**2) - 1) * fine + weight * redrawn
    hq = to_uint8(picture + change[..., None])
    parameters = {"amount": amount, "textured_share": float((weight > amount / 2).mean())}
    return Planted(pair.lq, hq, parameters, decidable=shows(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("object_consistency", "content_reasonableness"),
    source="Blau and Michaeli 2018, The perception-distortion tradeoff; texture redrawn by generative restorers",
)
