"""Grid: a faint periodic pattern lies over the target."""

import numpy as np

from ggt.faults import Fault, GoodPair, Planted
from ggt.images import to_float, to_uint8


def plant(pair: GoodPair, strength: float, rng: np.random.Generator) -> Planted:
    """Add a checkered pattern of 2 to 12 levels (3.1 at subtle) with a period of 4, 8 or 16 pixels."""
    levels = 2.0 * 6.0**strength
    period = int(rng.choice((4, 8, 16)))
    height, width = pair.hq.shape[:2]
    phase = rng.uniform(0, 2 * np.pi, 2)
    turn = np.float32(2 * np.pi / period)
    rows = np.cos(turn * np.arange(height, dtype=np.float32).reshape(-1, 1) + phase[0])
    columns = np.cos(turn * np.arange(width, dtype=np.float32).reshape(1, -1) + phase[1])
    pattern = (rows * columns * levels / 255).astype(np.float32)
    hq = to_uint8(to_float(pair.hq) + pattern[..., None])
    return Planted(pair.lq, hq, {"levels": levels, "period_px": period})


PLUGIN = Fault(
    plant=plant,
    aspects=("content_reasonableness", "restoration_quality"),
    source="Odena et al. 2016, Deconvolution and checkerboard artifacts; grids of latent decoders",
)
