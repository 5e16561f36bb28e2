"""Object added: the target holds something that the lq does not show."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import cut, shows
from ggt.faults._regions import blend, find_thing, require_room
from ggt.types import Box


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Paste an object of another photo, 4 to 20 % of the short side (6 % at subtle), at a random place."""
    require_room(pair.hq, "object_added")
    require_room(pair.other, "object_added")
    share = 0.04 * 5.0**strength
    thing = find_thing(pair.other, share=share, rng=rng)
    width, height = thing.box.width, thing.box.height
    left = int(rng.integers(0, max(1, pair.hq.shape[1] - width)))
    top = int(rng.integers(0, max(1, pair.hq.shape[0] - height)))
    box = Box(left, top, width, height)
    hq = blend(pair.hq, pair.other[cut(pair.other.shape, thing.box)], box=box, mask=thing.mask)
    return Planted(pair.lq, hq, {"share": share}, box=box, decidable=shows(pair, hq, box=box))


PLUGIN = Fault(
    plant=plant,
    aspects=("object_consistency", "content_reasonableness"),
    source="GGT-100K (arXiv 2605.31039), object consistency: editors invent objects",
)
