"""Blockiness: how far the steps across JPEG's 8-pixel grid exceed those beside it."""

import cv2
import numpy as np

from ggt.measure.tiles import Tiles
from ggt.types import Plane

_GRID = 8
_LARGEST_STEP = 12 / 255
"""Larger steps belong to the scene."""
_FLOOR = 0.5 / 255
"""Keeps the ratio finite in pictures without any steps."""


def blockiness(tiles: Tiles) -> float:
    """Return 0 where no 8-pixel grid stands out; 1 where steps across it are twice those beside it.

    The grid may start anywhere (cropped files). A grid that was resized is not seen.
    """
    usable = [tile for tile in tiles if min(tile.shape) >= 4 * _GRID]
    if not usable:
        return 0.0
    across = np.mean([_steps(tile) for tile in usable], axis=0)
    down = np.mean([_steps(cv2.transpose(tile)) for tile in usable], axis=0)
    return (_excess(across) + _excess(down)) / 2


def _steps(tile: Plane) -> np.ndarray:
    """Return the mean step between neighbouring columns for each of the grid's eight phases."""
    absolute = cv2.absdiff(tile[:, 1:], tile[:, :-1])
    steps = cv2.reduce(np.minimum(absolute, _LARGEST_STEP), 0, cv2.REDUCE_AVG).ravel()
    whole = steps[: steps.size // _GRID * _GRID]
    return whole.reshape(-1, _GRID).mean(axis=0)


def _excess(steps: np.ndarray) -> float:
    strongest = int(np.argmax(steps))
    # One interpolated phase beside each grid line is left out: deblocking spreads the step over two pixels.
    others = np.delete(np.roll(steps, -strongest), (0, 1, _GRID - 1))
    highest, usual = float(others.max()), float(np.median(others))
    return max(0.0, float(steps[strongest]) - highest) / (usual + _FLOOR)
