"""Desaturation: the target lost colour that the lq has."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import colour_kept, same
from ggt.images import luma, to_float, to_uint8


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Take away 20 to 100 % of the colour (40 % at subtle).

    Not decidable where the lq, against its light and dark, shows no more colour than the spoiled target: then that
    may be right.
    """
    del rng
    taken = 0.2 + 0.8 * strength
    picture = to_float(pair.hq)
    grey = luma(picture)[..., None]
    hq = to_uint8(grey + (picture - grey) * np.float32(1 - taken))
    decidable = not same(hq, pair.hq) and 1 - taken < 0.9 * colour_kept(pair)
    return Planted(pair.lq, hq, {"taken": taken}, decidable=decidable)


PLUGIN = Fault(
    plant=plant,
    aspects=("colour_consistency",),
    source="GGT-100K (arXiv 2605.31039), colour consistency",
)
