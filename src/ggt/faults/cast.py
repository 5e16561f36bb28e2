"""Cast: the target is tinted."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import colour_kept
from ggt.images import to_float, to_uint8

MIN_KEPT = 0.6
"""Below this share of colours kept (against contrast kept) the lq's mean colour is no witness either."""


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Multiply red and divide blue by 1.04 to 1.35 (1.07 at subtle), or the reverse; or tint green or magenta.

    Not decidable where the lq itself has a stronger cast against its target, as faded photos have: removing
    one and planting one then look alike.
    """
    gain = 1.04 * (1.35 / 1.04) ** strength
    exponents = np.array([(1, 0, -1), (-1, 0, 1), (-0.6, 0.6, -0.6), (0.6, -0.6, 0.6)])
    chosen = int(rng.integers(len(exponents)))
    gains = (gain ** exponents[chosen]).astype(np.float32)
    hq = to_uint8(to_float(pair.hq) * gains)
    parameters = {"red": float(gains[0]), "green": float(gains[1]), "blue": float(gains[2])}
    decidable = _own_cast(pair) < float(np.ptp(np.log(gains)))
    return Planted(pair.lq, hq, parameters, decidable=decidable)


def _own_cast(pair: GoodPair) -> float:
    """Spread between the channels of lq against target, as a natural logarithm.

    Contrasts are compared, since a veil adds the same light everywhere; where the lq lost more than 40 % of its
    colours, means as well.
    """
    lq, hq = pair.lq.reshape(-1, 3), pair.hq.reshape(-1, 3)
    own = float(np.ptp(np.log((lq.std(axis=0) + 1) / (hq.std(axis=0) + 1))))
    if colour_kept(pair) < MIN_KEPT:
        own = max(own, float(np.ptp(np.log((lq.mean(axis=0) + 1) / (hq.mean(axis=0) + 1)))))
    return own


PLUGIN = Fault(
    plant=plant,
    aspects=("colour_consistency",),
    source="GGT-100K (arXiv 2605.31039), colour consistency: generative editors warm or cool the whole picture",
)
