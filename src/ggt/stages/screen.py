"""Screen: metrics that need no judge; better no-reference scores never suffice, structure must have been kept."""

import math
from collections.abc import Mapping

from ggt.settings.quality import ScreenSettings
from ggt.types import Defect


def screen(features: Mapping[str, float], *, settings: ScreenSettings) -> list[Defect]:
    """Return what the screen rejects a candidate for; empty when it may be judged."""
    checks = (
        _unchanged(features, settings),
        _unnatural(features, settings),
        _noisier(features, settings),
        _unfaithful(features, settings),
        _left_behind(features, settings),
    )
    return [defect for defect in checks if defect is not None]


def _unchanged(features: Mapping[str, float], settings: ScreenSettings) -> Defect | None:
    change = math.exp(features["change"])
    if change >= settings.min_change:
        return None
    detail = f"differs from the lq by {change:.1f} levels root mean square (at least {settings.min_change:g})"
    return Defect("restoration_quality", "unchanged", 0.9, detail)


def _unnatural(features: Mapping[str, float], settings: ScreenSettings) -> Defect | None:
    factor = math.exp(features["unnatural_more"])
    if factor <= settings.max_unnatural:
        return None
    detail = f"{factor:.1f} times as far from clean photos as the lq (at most {settings.max_unnatural:g})"
    return Defect("content_reasonableness", "residual_degradation", 0.6, detail)


def _noisier(features: Mapping[str, float], settings: ScreenSettings) -> Defect | None:
    """Reject noise that the lq has not, beyond what raising its contrast explains."""
    noise, before = math.exp(features["noise_hq"]), math.exp(features["noise_lq"])
    expected = before * math.exp(max(0.0, features["gain_3"]) / 2)
    if noise <= settings.max_noise or noise <= 1.5 * expected:
        return None
    detail = f"noise of {noise:.1f} levels, where the lq at this contrast has {expected:.1f}"
    return Defect("restoration_quality", "residual_degradation", 0.6, detail)


def _unfaithful(features: Mapping[str, float], settings: ScreenSettings) -> Defect | None:
    likeness = features["likeness_3"]
    if likeness >= settings.min_fidelity:
        return None
    detail = f"structure is alike to {likeness:.2f} only (at least {settings.min_fidelity:g})"
    return Defect("object_consistency", "wrong_photo", 0.9, detail)


def _left_behind(features: Mapping[str, float], settings: ScreenSettings) -> Defect | None:
    """Reject candidates whose flat parts still have the streaks or flakes of the lq."""
    likeness = features["flat_likeness_0"]
    if settings.max_flat_likeness >= 1 or likeness <= settings.max_flat_likeness:
        return None
    detail = f"fine structure of flat parts is alike to {likeness:.2f} (at most {settings.max_flat_likeness:g})"
    return Defect("restoration_quality", "residual_degradation", 0.6, detail)
