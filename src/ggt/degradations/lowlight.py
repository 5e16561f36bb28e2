"""Low light: little light on the sensor, so a dark picture in which read and shot noise show."""

import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.degradations._optics import from_linear, to_linear
from ggt.images import to_uint8
from ggt.types import Image


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Leave 25 % down to 1.5 % of the light, darken the shadows further, then add sensor noise."""
    light = 0.25 * 0.06**strength
    gamma = float(rng.uniform(1.0, 1.25))
    warmth = float(rng.uniform(-0.1, 0.1))
    full_well = 12000.0 * 0.25**strength
    read_sigma = 0.0004 * 4.0**strength
    balance = np.array([1 + warmth, 1.0, 1 - warmth], np.float32)
    exposed = light * balance * to_linear(clean) ** np.float32(gamma)
    noise = rng.standard_normal(clean.shape, dtype=np.float32)
    seen = exposed + noise * np.sqrt(exposed / full_well + read_sigma**2)
    parameters = {
        "light": light,
        "gamma": gamma,
        "warmth": warmth,
        "full_well_electrons": full_well,
        "read_sigma": read_sigma,
    }
    return Degraded(to_uint8(from_linear(seen.astype(np.float32))), parameters)


PLUGIN = Degradation(
    apply=apply,
    category="lowlight",
    source="Lv et al. 2021, Attention guided low-light enhancement, section 3 (linear and gamma transform); "
    "noise as in Wei et al. 2020, A physics-based noise formation model, eq. 4",
)
