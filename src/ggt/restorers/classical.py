"""The classical engine: one fixed chain of textbook steps per category; deterministic, offline, no learning.

A baseline, not a source of ground truth, and every output says so. Measured and looked at on real photos: haze and
low light are mostly improved, and so is noise; old photos gain tone and lose light scratches, while torn, stained and
creased parts stay; snow loses small flakes on calm grounds and keeps large and blurred ones; of rain the veil goes and
some streaks on calm grounds, most streaks stay; motion blur, wide defocus, enlargement and JPEG blocks stay. Quality
control is expected to reject much of what this engine makes.
"""

from collections.abc import Callable, Mapping

from ggt.images import resize, to_float, to_uint8
from ggt.restorers import LocalRestorer, Restored
from ggt.restorers._brighten import brighten
from ggt.restorers._condition import Condition
from ggt.restorers._deblur import deblur
from ggt.restorers._dehaze import dehaze
from ggt.restorers._denoise import denoise
from ggt.restorers._occluders import remove_flakes, remove_scratches, remove_streaks
from ggt.restorers._tone import uncast, unfade
from ggt.types import Category, Defect, FloatImage, Image, RestoreTask

Step = Callable[[FloatImage, Condition, float], FloatImage]
"""`step(picture, condition, strength)`: strength 1 is usual, 0 returns the picture as it is."""

STEPS: Mapping[str, Step] = {
    "denoise": denoise,
    "deblur": deblur,
    "dehaze": dehaze,
    "brighten": brighten,
    "remove_scratches": remove_scratches,
    "remove_flakes": remove_flakes,
    "remove_streaks": remove_streaks,
    "unfade": unfade,
    "uncast": uncast,
}

CHAINS: Mapping[Category, Mapping[str, float]] = {
    "general": {"denoise": 1.0, "deblur": 1.0},
    "rain": {"remove_streaks": 1.0, "denoise": 0.5, "dehaze": 0.4},
    "haze": {"denoise": 1.0, "dehaze": 1.0},
    "snow": {"remove_flakes": 1.0, "denoise": 0.5},
    "lowlight": {"brighten": 1.0},
    "old": {"remove_scratches": 1.0, "denoise": 1.0, "deblur": 0.6, "unfade": 1.0, "uncast": 1.0},
}
"""The steps of each category in their order, with their usual strength."""

EVERY_STEP = "every step"
_NO_PAINTING = {"remove_scratches": 0.0, "remove_flakes": 0.0, "remove_streaks": 0.0}

CORRECTIONS: Mapping[str, Mapping[str, float]] = {
    "residual_degradation": {EVERY_STEP: 1.4},
    "half_restored": {EVERY_STEP: 1.4},
    "unchanged": {EVERY_STEP: 1.7},
    "oversmoothing": {"denoise": 0.5, "brighten": 0.8},
    "redrawn_texture": {"denoise": 0.5, "deblur": 0.5},
    "ringing": {"deblur": 0.0, "dehaze": 0.8},
    "grid": {"deblur": 0.0, "denoise": 1.4},
    "blocking": {"denoise": 1.4, "dehaze": 0.8, "brighten": 0.8},
    "object_removed": _NO_PAINTING | {"denoise": 0.7},
    "object_added": _NO_PAINTING,
    "object_moved": _NO_PAINTING,
    "hue": {"uncast": 0.0, "dehaze": 0.7, "brighten": 0.9},
    "cast": {"uncast": 0.0, "dehaze": 0.7},
    "desaturation": {"uncast": 0.0, "denoise": 0.7},
}
"""Defect of the attempt before -> what its steps' strengths are multiplied by; 0 skips a step. Other defects change
nothing: this engine cannot cause them."""
MAX_STRENGTH = 2.0


def restore(task: RestoreTask) -> Restored:
    """Run the category's chain at native resolution if that is the coarser grid, and bring it onto the lq's grid.

    The notes hold `steps` (name and strength) and `corrections` (defect, step, factor; or `none`).
    """
    image, condition = _working_copy(task)
    strengths, corrections = corrected(task.category, task.prompt.defects)
    picture = to_float(image)
    for name, strength in strengths.items():
        picture = STEPS[name](picture, condition, strength)
    height, width = task.lq.shape[:2]
    return Restored(
        resize(to_uint8(picture), width, height),
        {
            "steps": ", ".join(f"{name} {strength:.2f}" for name, strength in strengths.items()),
            "corrections": "; ".join(corrections) or "none",
        },
    )


def corrected(
    category: Category, defects: tuple[Defect, ...]
) -> tuple[Mapping[str, float], list[str]]:
    """Return the strengths of a category's steps after the corrections, skipped ones left out, and what was corrected.

    A grave defect corrects by more than a slight one: by the factor to the power of 0.5 + severity.
    """
    strengths = dict(CHAINS[category])
    corrections: list[str] = []
    worst: dict[str, float] = {}
    for defect in defects:
        worst[defect.kind] = max(defect.severity, worst.get(defect.kind, 0.0))
    for kind, severity in worst.items():
        factors = CORRECTIONS.get(kind, {})
        for step in strengths:
            factor = factors.get(step, factors.get(EVERY_STEP, 1.0)) ** (0.5 + severity)
            if factor != 1.0:
                strengths[step] = min(MAX_STRENGTH, strengths[step] * factor)
                corrections.append(f"{kind}: {step} x{factor:.2f}")
    return {step: strength for step, strength in strengths.items() if strength > 0}, corrections


def _working_copy(task: RestoreTask) -> tuple[Image, Condition]:
    """The coarser of the native picture and the lq, with the measurements scaled to its grid.

    Noise must be removed before enlarging, which smears it out of any filter's reach; in a reduced picture reducing
    has already removed most of it. Noise of real cameras is not white: it falls with the square root of the scale.
    Without a native picture the lq is taken for the measured photo, reduced.
    """
    measured = task.measurements
    image, native_side = task.lq, min(measured.width, measured.height)
    if task.native is not None:
        native_side = min(task.native.shape[:2])
        image = min(task.native, task.lq, key=len)
    scale = min(1.0, min(image.shape[:2]) / max(1, native_side))
    return image, Condition(measured.noise_sigma * scale**0.5, measured.blur_px * scale)


PLUGIN = LocalRestorer(
    restore=restore,
    model="classical-1",
    source="He et al. 2011 (haze), Guo et al. 2017 (low light), Buades et al. 2005 (noise), Richardson 1972 and "
    "Lucy 1974 (blur), Telea 2004 (painting over); each cited where it is used",
)
