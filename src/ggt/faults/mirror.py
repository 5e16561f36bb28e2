"""Mirror: left and right of the target are exchanged."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Flip the target; there is no weaker form, so strength changes nothing."""
    del strength, rng
    hq = np.ascontiguousarray(pair.hq[:, ::-1])
    return Planted(pair.lq, hq, {}, decidable=shows(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment", "object_consistency", "content_reasonableness"),
    source="Careless augmentation: one side of a pair flipped without the other",
    subtle=1.0,
)
