"""Rain: bright streaks of falling drops, in layers from near to far, and the veil of the far ones."""

import cv2
import numpy as np

from ggt.degradations import Degradation, Degraded
from ggt.degradations._optics import line, screen
from ggt.degradations.haze import veil
from ggt.types import Image, Plane


def apply(clean: Image, strength: float, rng: np.random.Generator) -> Degraded:
    """Draw three layers of streaks, 0.1 to 0.5 % of the pixels hit, under a veil that takes 3 to 25 % of the light."""
    density = 0.001 * 5.0**strength
    angle = float(rng.normal(90, 12))
    brightness = float(rng.uniform(0.8, 0.95))
    taken = 0.03 + 0.22 * strength
    height, width = clean.shape[:2]
    streaks = np.zeros((height, width), np.float32)
    for nearness in (0.3, 0.6, 1.0):
        layer = _streaks(
            (height, width), density=density, nearness=nearness, angle_deg=angle, rng=rng
        )
        streaks = 1 - (1 - streaks) * (1 - layer)
    transmission = np.full((height, width), 1 - taken, np.float32)
    veiled = veil(clean, transmission=transmission, airlight=(0.75, 0.77, 0.8))
    parameters = {"density": density, "angle_deg": angle, "brightness": brightness, "veil": taken}
    return Degraded(screen(veiled, streaks, brightness=brightness), parameters)


def _streaks(
    shape: tuple[int, int],
    *,
    density: float,
    nearness: float,
    angle_deg: float,
    rng: np.random.Generator,
) -> Plane:
    """Opacity of one layer: drops of random size, drawn out by their fall; near ones are longer and fewer."""
    length = max(3.0, nearness * min(shape) / 14)
    drops = np.zeros(shape, np.float32)
    count = round(density * shape[0] * shape[1] * (1.2 - nearness) / 4)
    rows = rng.integers(0, shape[0], count)
    columns = rng.integers(0, shape[1], count)
    drops[rows, columns] = rng.uniform(0.3, 1.0, count).astype(np.float32)
    drops = cv2.GaussianBlur(drops, (0, 0), 0.5 + 0.5 * nearness)
    kernel = line(length, angle_deg=angle_deg + float(rng.normal(0, 2)))
    drawn = cv2.filter2D(drops, -1, kernel / kernel.max(), borderType=cv2.BORDER_REFLECT)
    return np.clip(drawn * (0.9 + nearness), 0, 0.75)


PLUGIN = Degradation(
    apply=apply,
    category="rain",
    source="Garg and Nayar 2007, Vision and rain, section 3 (streaks); Yang et al. 2017, Deep joint rain detection "
    "and removal, section 3, and Li et al. 2019, Heavy rain image restoration, eq. 3 (layers and veil)",
)
