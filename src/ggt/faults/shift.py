"""Shift: the target lies a few pixels beside the lq."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._warp import affine


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Move the target by 1 to 8 pixels (1.7 at subtle) in a random direction."""
    distance = 1.0 * 8.0**strength
    angle = float(rng.uniform(0, 2 * np.pi))
    right, down = distance * float(np.cos(angle)), distance * float(np.sin(angle))
    hq = affine(pair.hq, shift=(right, down))
    parameters = {"right_px": right, "down_px": down}
    return Planted(pair.lq, hq, parameters, decidable=shows(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment",),
    source="Pixel shifts are the commonest complaint about generative editors; GGT-100K (arXiv 2605.31039), "
    "geometry alignment",
)
