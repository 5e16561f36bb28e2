"""Detectors: for each kind of fault, which measurements speak of it, and the linear score fitted to them.

The measurements are chosen by hand (what a fault does, and what excuses it: the lq's noise, blur and blocks); weights
and thresholds come from `ggt calibrate` over clean photos and lie in measured.json. A score has no unit; it is compared
with the scores of faithful pairs of the same category.
"""

import fnmatch
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict

from ggt.types import CATEGORIES, Aspect, Category

CLIP = 10.0
"""A feature counts at most so many of its usual spreads."""
_EXCUSES = ("noise_lq", "blocks_lq", "gap_lq", "noise_0", "noise_2", "clarity_[012]", "slope_[01]")


@dataclass(frozen=True, slots=True)
class Target:
    """What a detector looks for: planted faults to learn from, the aspect it blames, and its measurements."""

    faults: tuple[str, ...]
    aspect: Aspect
    patterns: tuple[str, ...]
    lazy: bool = False
    """Whether it looks for candidates that restore nothing, too."""
    categories: tuple[Category, ...] = CATEGORIES
    """In pairs of other categories it is silent."""

    def choose(self, names: Iterable[str]) -> list[str]:
        """List the measurements that match, sorted."""
        return sorted(n for n in names if any(fnmatch.fnmatchcase(n, p) for p in self.patterns))


_MISMATCH = ("mismatch_*", "below_mismatch_*", "lacking_*", "invented_*", "below_lacking_*")

TARGETS: Mapping[str, Target] = {
    "local_warp": Target(
        ("local_warp",),
        "geometry_alignment",
        ("warp_px", "mismatch_[123]", "mismatch_peak_*", "mismatch_median_[12]", *_EXCUSES),
    ),
    "wrong_photo": Target(
        ("wrong_photo", "mirror"),
        "object_consistency",
        ("matched", "likeness_[1234]", "mismatch_median_*"),
    ),
    "letterbox": Target(("letterbox",), "geometry_alignment", ("bars_px",)),
    "object": Target(
        ("object_added", "object_removed", "object_moved"),
        "object_consistency",
        (*_MISMATCH, "below_invented_*", *_EXCUSES),
    ),
    "redrawn_texture": Target(
        ("redrawn_texture",),
        "content_reasonableness",
        (
            "texture_*",
            "lines_*",
        ),
    ),
    "oversmoothing": Target(
        ("oversmoothing",),
        "restoration_quality",
        (
            "bend_*",
            "slope_*",
            "flat_slope_*",
            "flat_gain_*",
            "gain_*",
            "growth_*",
            "weak_left_*",
            "own_[012]",
            "noise_*",
            "unnatural_*",
            *_EXCUSES,
        ),
    ),
    "ringing": Target(
        ("ringing",),
        "content_reasonableness",
        ("step_*", "rise_*", "echo_*", "slope_*", "gain_[0123]", "own_[012]"),
    ),
    "blocking": Target(
        ("blocking",),
        "restoration_quality",
        ("gap_*", "rough_gap_*", "blocks_*"),
    ),
    "grid": Target(("grid",), "content_reasonableness", ("grid_*", "fold_*", "gap_hq", "noise_hq")),
    "residual_degradation": Target(
        ("residual_degradation",),
        "restoration_quality",
        (
            "flat_*",
            "weak_left_*",
            "own_*",
            "bright_*",
            "dark_*",
            "rest_*",
            "unnatural_*",
            "noise_*",
            "blocks_*",
            "gap_*",
            "rough_gap_*",
            "blur_*",
            "change*",
            "gain_*",
            "slope_*",
            "bend_*",
            "contrast_lost",
        ),
    ),
    "half_restored": Target(
        ("half_restored",),
        "restoration_quality",
        ("seam_line",),
    ),
    "unchanged": Target(
        ("unchanged",),
        "restoration_quality",
        (
            "change*",
            "rest_*",
            "flat_*",
            "weak_left_*",
            "own_*",
            "gain_*",
            "slope_*",
            "bright_*",
            "unnatural_*",
            "noise_*",
            "gap_*",
            "blur_*",
            "likeness_*",
            "even_*",
            "strong_own_*",
            "texture_*",
            "contrast_lost",
            "brighter",
        ),
        lazy=True,
    ),
    "occluders_left": Target(
        ("residual_degradation", "unchanged"),
        "restoration_quality",
        (
            "rest_*",
            "noise_[01234]",
            "clarity_[01234]",
            "slope_*",
            "flat_likeness_*",
            "bright_*",
            "mismatch_median_*",
            "below_mismatch_90_*",
        ),
        lazy=True,
        categories=("rain", "snow"),
    ),
    "swapped": Target(
        ("swapped",),
        "restoration_quality",
        (
            "own_*",
            "flat_own_*",
            "unnatural_*",
            "noise_*",
            "gain_*",
            "blur_*",
            "bright_*",
            "contrast_lost",
            "brighter",
        ),
    ),
    "hue": Target(("hue",), "colour_consistency", ("hue_*",)),
    "cast": Target(
        ("cast",), "colour_consistency", ("cast_*", "tone_rest", "chroma_*", "colour_spread")
    ),
    "desaturation": Target(
        ("desaturation",),
        "colour_consistency",
        (
            "colour_*",
            "chroma_*",
            "luma_slope",
            "hue_kept",
            "hue_near_kept",
            "tone_rest",
            "hue_error",
        ),
    ),
}


class Detector(BaseModel):
    """A fitted linear score: `bias + sum of weight * clip((value - centre) / spread)`.

    `usual` holds, for each category that it looks at, the middle and the spread of the scores of faithful pairs; above
    `threshold` such spreads a pair is rejected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    names: tuple[str, ...]
    centres: tuple[float, ...]
    spreads: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    usual: Mapping[Category, tuple[float, float]]
    threshold: float

    def contributions(self, features: Mapping[str, float]) -> np.ndarray:
        """What each measurement adds to the score."""
        values = np.array([features[name] for name in self.names])
        scaled = (values - np.array(self.centres)) / np.array(self.spreads)
        return np.clip(scaled, -CLIP, CLIP) * np.array(self.weights)

    def score(self, features: Mapping[str, float], category: Category) -> float:
        """Spreads of the category's faithful pairs above their middle."""
        middle, spread = self.usual[category]
        return (float(self.contributions(features).sum()) + self.bias - middle) / spread


class MeasuredModel(BaseModel):
    """All detectors, and what they were fitted on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_by: str
    num_photos: int
    num_good: int
    num_faults: int
    detectors: Mapping[str, Detector]


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What one detector says of one pair; `excess` above 0 rejects, in spreads of faithful pairs."""

    name: str
    target: Target
    excess: float
    leading: tuple[tuple[str, float], ...]
    """The measurements that add most, with their values."""


def suspect(
    model: MeasuredModel, features: Mapping[str, float], category: Category, *, strictness: float
) -> Sequence[Suspicion]:
    """Let every detector of the category speak."""
    found: list[Suspicion] = []
    speaking = {name: d for name, d in model.detectors.items() if category in d.usual}
    for name, detector in speaking.items():
        excess = detector.score(features, category) - detector.threshold / strictness
        order: list[int] = np.argsort(-detector.contributions(features))[:3].tolist()
        leading = tuple((detector.names[i], features[detector.names[i]]) for i in order)
        found.append(Suspicion(name, TARGETS[name], excess, leading))
    return found
