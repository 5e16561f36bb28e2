"""Hue: all colours of the target are turned around the colour circle."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows_hue
from ggt.images import to_float, to_uint8

TO_YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Turn by 6 to 50 degrees (10 at subtle) in YIQ, either way; luma stays."""
    degrees = 6.0 * (50.0 / 6.0) ** strength * float(rng.choice((-1, 1)))
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    matrix = (np.linalg.inv(TO_YIQ) @ turn @ TO_YIQ).astype(np.float32)
    hq = to_uint8(to_float(pair.hq) @ matrix.T)
    return Planted(pair.lq, hq, {"degrees": degrees}, decidable=shows_hue(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("colour_consistency",),
    source="GGT-100K (arXiv 2605.31039), colour consistency",
)
