"""Rotation: the target is slightly turned."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.faults._warp import affine


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Turn by 0.27 to 2 degrees (0.45 at subtle) about the centre, either way."""
    degrees = 0.27 * (2.0 / 0.27) ** strength * float(rng.choice((-1, 1)))
    hq = affine(pair.hq, rotation_deg=degrees)
    return Planted(pair.lq, hq, {"rotation_deg": degrees}, decidable=shows(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("geometry_alignment",),
    source="Generative editors straighten horizons; GGT-100K (arXiv 2605.31039), geometry alignment",
)
