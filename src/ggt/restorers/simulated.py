"""The rehearsal of a generative model: returns the known clean picture, spoiled by faults at stated rates.

It shows what quality control catches and what it loses, because the truth and the planted fault are both known.
It says nothing about any real model, and every output is stamped `not-ground-truth`.
"""

from collections.abc import Mapping
from itertools import accumulate

import cv2
import numpy as np

from ggt.errors import SizeMismatchError, UsageError
from ggt.images import to_float, to_uint8
from ggt.restorers import LocalRestorer, Restored
from ggt.types import Image, PlantFault, RestoreTask

FAULT_RATES: Mapping[str, float] = {
    "residual_degradation": 0.06,
    "oversmoothing": 0.04,
    "redrawn_texture": 0.04,
    "half_restored": 0.03,
    "unchanged": 0.03,
    "hue": 0.03,
    "cast": 0.03,
    "shift": 0.03,
    "scale": 0.03,
    "object_removed": 0.03,
    "object_added": 0.02,
    "desaturation": 0.02,
    "local_warp": 0.02,
    "object_moved": 0.01,
    "rotation": 0.01,
    "ringing": 0.01,
    "grid": 0.01,
}
"""Name of a fault -> how often a first attempt has it; 45 % in all. Chosen by us so that every aspect of the judge
has something to find in a few dozen photos; not measured on any model."""
CORRECTIVE_FACTOR = 0.4
"""An attempt that was told its predecessor's defects is faulty this much less often: 18 %. Ours."""
STRENGTHS = (0.25, 1.0)
"""Planted strengths are drawn evenly from subtle to gross, as `ggt calibrate` uses these words."""
NO_FAULT = "none"

_VARIATIONS = ("exact", "sharpened", "toned")
_SHARPEN_AMOUNT = (0.1, 0.3)
_TONE_GAMMA = (0.96, 1.04)


def restore(task: RestoreTask) -> Restored:
    """Return the truth with one planted fault, or with a harmless variation that no reviewer would mind.

    The task's seed decides which, so the same task gives the same output. The notes hold `fault` (a name or `none`),
    `strength` (0 to 1) and `variation`.

    Raises:
        UsageError: the photo has no known truth, or the caller handed in nothing that plants faults.
        SizeMismatchError: truth and lq differ in size.
    """
    truth, plant = _rehearsal(task)
    rng = np.random.default_rng(task.seed)
    fault = draw_fault(rng, corrective=bool(task.prompt.defects))
    if fault == NO_FAULT:
        variation = _VARIATIONS[int(rng.integers(len(_VARIATIONS)))]
        image = _varied(truth, variation, rng)
        return Restored(image, {"fault": NO_FAULT, "strength": 0.0, "variation": variation})
    strength = float(rng.uniform(*STRENGTHS))
    other = task.lq if task.other is None else task.other
    seed = int(rng.integers(2**31))
    image = plant(fault, lq=task.lq, hq=truth, other=other, strength=strength, seed=seed)
    return Restored(image, {"fault": fault, "strength": strength, "variation": "exact"})


def draw_fault(rng: np.random.Generator, *, corrective: bool) -> str:
    """Draw the name of a fault by FAULT_RATES, or NO_FAULT."""
    draw = rng.random() / (CORRECTIVE_FACTOR if corrective else 1.0)
    for name, bound in zip(FAULT_RATES, accumulate(FAULT_RATES.values()), strict=True):
        if draw < bound:
            return name
    return NO_FAULT


def _rehearsal(task: RestoreTask) -> tuple[Image, PlantFault]:
    """Check that the task is one whose answer is known."""
    if task.truth is None:
        raise UsageError(
            "restorer 'simulated' needs the clean original of every photo, and this one has none: make a rehearsal "
            "from clean photos with `ggt degrade CLEAN_FOLDER --out PHOTOS`, or choose another restorer"
        )
    if task.truth.shape != task.lq.shape:
        raise SizeMismatchError(
            f"the truth has shape {task.truth.shape}, the lq {task.lq.shape}: both must lie on one grid; degrade "
            "the clean photo again without resizing it"
        )
    if task.plant is None:
        raise UsageError(
            "restorer 'simulated' was given no `plant`: hand in a PlantFault (ggt.types) with the task"
        )
    return task.truth, task.plant


def _varied(truth: Image, variation: str, rng: np.random.Generator) -> Image:
    """Vary a faithful answer as a careful model would: slight sharpening, or a slight change of tone."""
    picture = to_float(truth)
    if variation == "sharpened":
        blurred = cv2.GaussianBlur(picture, (0, 0), 1.0)
        return to_uint8(picture + np.float32(rng.uniform(*_SHARPEN_AMOUNT)) * (picture - blurred))
    if variation == "toned":
        return to_uint8(picture ** np.float32(rng.uniform(*_TONE_GAMMA)))
    return truth.copy()


PLUGIN = LocalRestorer(
    restore=restore,
    model="simulated-1",
    source="own rehearsal; the faults are those reported of generative editors, each cited in ggt.faults",
    needs_truth=True,
)
