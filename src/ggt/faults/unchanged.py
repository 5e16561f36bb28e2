"""Unchanged: the target is the lq itself."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import same


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Return the lq as the target; there is no weaker form, so strength changes nothing."""
    del strength, rng
    return Planted(pair.lq, pair.lq.copy(), {}, decidable=not same(pair.lq, pair.hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "colour_consistency"),
    source="Generative editors return their input when they do not understand the request",
    subtle=1.0,
)
