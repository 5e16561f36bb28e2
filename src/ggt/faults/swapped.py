"""Swapped: lq and target are exchanged."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import same


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Exchange both sides; there is no weaker form, so strength changes nothing."""
    del strength, rng
    return Planted(pair.hq.copy(), pair.lq.copy(), {}, decidable=not same(pair.lq, pair.hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "content_reasonableness", "colour_consistency"),
    source="Careless packing: folders named lq and gt exchanged",
    subtle=1.0,
)
