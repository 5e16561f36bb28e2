"""Wrong photo: the target belongs to another lq."""

import cv2
import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import same


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Put the other photo in the target's place; there is no weaker form, so strength changes nothing."""
    del strength, rng
    height, width = pair.hq.shape[:2]
    hq = pair.other.copy()
    if hq.shape != pair.hq.shape:
        hq = cv2.resize(hq, (width, height), interpolation=cv2.INTER_AREA)
    return Planted(pair.lq, hq, {}, decidable=not same(hq, pair.hq))


PLUGIN = Fault(
    plant=plant,
    aspects=(
        "object_consistency",
        "geometry_alignment",
        "content_reasonableness",
        "colour_consistency",
    ),
    source="Mixed-up file names and answers attributed to the wrong request in batch interfaces",
    subtle=1.0,
)
