"""Oversmoothing: the target's texture is gone while its edges stay: plastic skin, watercolour leaves."""

import cv2
import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._evidence import shows
from ggt.images import to_float, to_uint8
from ggt.measure.fields import local_mean


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Smooth by a self-guided filter: contrasts below 3 to 10 % go (4 % at subtle) within 2 to 4 pixels."""
    del rng
    contrast = 0.03 * (0.1 / 0.03) ** strength
    sigma = 2.0 + 2.0 * strength
    picture = to_float(pair.hq)
    mean = local_mean(picture, sigma_px=sigma)
    variance = np.maximum(local_mean(picture * picture, sigma_px=sigma) - mean * mean, 0)
    slope = variance / (variance + np.float32(contrast**2))
    slope_mean = local_mean(slope, sigma_px=sigma)
    offset_mean = local_mean(mean - slope * mean, sigma_px=sigma)
    hq = to_uint8(cv2.add(slope_mean * picture, offset_mean))
    parameters = {"contrast": contrast, "sigma_px": sigma}
    return Planted(pair.lq, hq, parameters, decidable=shows(pair, hq))


PLUGIN = Fault(
    plant=plant,
    aspects=("restoration_quality", "content_reasonableness"),
    source="He et al. 2013, Guided image filtering, section 3.4 (the filter); the look is that of denoisers and "
    "of regression-trained restorers",
)
