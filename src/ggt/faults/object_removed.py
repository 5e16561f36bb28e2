"""Object removed: something that the lq shows is painted over in the target."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._fill import fill
from ggt.faults._regions import find_thing, require_room


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Remove an object of 4 to 20 % of the short side (6 % at subtle)."""
    require_room(pair.hq, "object_removed")
    share = 0.04 * 5.0**strength
    thing = find_thing(pair.hq, share=share, rng=rng)
    hq = fill(pair.hq, thing)
    decidable = shows(pair, hq, box=thing.box)
    return Planted(pair.lq, hq, {"share": share}, box=thing.box, decidable=decidable)


PLUGIN = Fault(
    plant=plant,
    aspects=("object_consistency", "content_reasonableness"),
    source="GGT-100K (arXiv 2605.31039), object consistency: editors drop small objects",
)
