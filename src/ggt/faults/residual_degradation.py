"""Residual degradation: part of what spoils the lq is still in the target."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import same, thinner_veil
from ggt.images import to_float, to_uint8

NEARLY_ALL = 0.75
"""A target that keeps more than this of the lq's degradation is recognised by its likeness to the lq."""


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Leave 35 to 90 % of the difference between lq and target (49 % at subtle).

    Not decidable where the lq is its target under a smooth change of tone: half-strength dehazing looks like the
    perfect restoration of thinner haze. With `NEARLY_ALL` left it is seen all the same.
    """
    del rng
    left = 0.35 + 0.55 * strength
    faithful = to_float(pair.hq)
    hq = to_uint8(faithful + np.float32(left) * (to_float(pair.lq) - faithful))
    decidable = not same(hq, pair.hq) and (left > NEARLY_ALL or not thinner_veil(pair, left=left))
    return Planted(pair.lq, hq, {"left": left}, decidable=decidable)


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "colour_consistency"),
    source="GGT-100K (arXiv 2605.31039), restoration quality",
)
