"""Scale: the target is slightly zoomed in or out."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._warp import affine


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Zoom by 0.7 to 4 % (1.1 % at subtle) about the centre, in or out."""
    percent = 0.7 * (4.0 / 0.7) ** strength
    factor = 1 + percent / 100 * float(rng.choice((-1, 1)))
    hq = affine(pair.hq, scale=factor)
    return Planted(pair.lq, hq, {"factor": factor}, decidable=shows(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment",),
    source="Generative editors re-frame and zoom; GGT-100K (arXiv 2605.31039), geometry alignment",
)
