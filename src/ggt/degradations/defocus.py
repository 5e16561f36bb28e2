"""Defocus: the point spread function of a lens out of focus is a disc."""

import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.degradations._optics import blur, disc
from ggt.types import Image


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Blur by a disc of 1 to 7 pixels radius; nothing is drawn."""
    del rng
    radius = 1.0 * 7.0**strength
    return Degraded(blur(clean, disc(radius)), {"radius_px": radius})


PLUGIN = Degradation(
    apply=apply,
    category="general",
    source="Lee et al. 2019, Deep defocus map estimation, section 3.1 (disc model); "
    "Abuolaim and Brown 2020, Defocus deblurring, section 3",
)
