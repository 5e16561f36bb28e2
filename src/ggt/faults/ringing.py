"""Ringing: edges of the target are echoed by oscillations."""

import cv2
import numpy as np
from scipy.special import j1

from ggt.faults import Fault, GoodPair, Planted
from ggt.images import to_float, to_uint8
from ggt.types import Plane

REACH = 15


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Add 0.5 to 3 times the echoes of a sharp low-pass (cutoff drawn from pi / 4 to pi / 2.5)."""
    amount = 0.5 * 6.0**strength
    cutoff = float(rng.uniform(np.pi / 4, np.pi / 2.5))
    picture = to_float(pair.hq)
    sharp = cv2.filter2D(picture, -1, _sinc(cutoff), borderType=cv2.BORDER_REFLECT)
    smooth = cv2.GaussianBlur(picture, (0, 0), 1.4 / cutoff)
    hq = to_uint8(picture + np.float32(amount) * (sharp - smooth))
    return Planted(pair.lq, hq, {"amount": amount, "cutoff": cutoff})


def _sinc(cutoff: float) -> Plane:
    """Kernel of the ideal circular low-pass, sum 1."""
    offsets = np.arange(-REACH, REACH + 1)
    radius = np.hypot(offsets[:, None], offsets[None, :])
    radius[REACH, REACH] = 1.0
    kernel = cutoff * j1(cutoff * radius) / (2 * np.pi * radius)
    kernel[REACH, REACH] = cutoff**2 / (4 * np.pi)
    return (kernel / kernel.sum()).astype(np.float32)


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "content_reasonableness"),
    source="Wang et al. 2021, Real-ESRGAN, section 3.3 (sinc filter)",
)
