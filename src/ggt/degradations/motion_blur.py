"""Motion blur: the hand moves along a short, slightly bent path while the shutter is open."""

import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.degradations._optics import blur, path
from ggt.types import Image

POINTS = 256


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Blur along a path of 3 to 30 pixels, in any direction, bent by up to 40 degrees."""
    length = 3.0 * 10.0**strength
    angle = float(rng.uniform(0, 180))
    bend = float(rng.uniform(-40, 40))
    heading = np.deg2rad(angle + np.linspace(-0.5, 0.5, POINTS) * bend)
    steps = np.stack((np.cos(heading), np.sin(heading)), axis=1) * (length / POINTS)
    kernel = path(np.cumsum(steps, axis=0).astype(np.float32))
    parameters = {"length_px": length, "angle_deg": angle, "bend_deg": bend}
    return Degraded(blur(clean, kernel), parameters)


PLUGIN = Degradation(
    apply=apply,
    category="general",
    source="Boracchi and Foi 2012, Modeling the performance of image restoration from motion blur, section III; "
    "Kupyn et al. 2018, DeblurGAN, section 4 (random trajectories), here a single smooth arc",
)
