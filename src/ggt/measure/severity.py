"""Severity: how strong a photo's degradation is within its category, 0 to 1, from what was measured.

The ramps are ours: 0 where hardly anybody would notice, 1 where little can be restored.
"""

from ggt.types import Category, Measurements


def severity(measured: Measurements, category: Category) -> float:
    """Join the signs that belong to a category; independent signs add up without exceeding 1.

    Streaks, drops and flakes themselves are not measured: rain and snow are graded by veil, blur and noise.
    """
    grain = _ramp(measured.noise_sigma, 2, 25)
    blur = _ramp(measured.blur_px, 1, 5)
    blocks = _ramp(measured.blockiness, 0.2, 1.2)
    dark = _ramp(measured.mean_luma, 0.35, 0.05)
    veil = _ramp(measured.dark_channel, 0.2, 0.7)
    flat = _ramp(measured.contrast, 0.6, 0.15)
    pale = _ramp(measured.saturation, 0.3, 0.0)
    signs: dict[Category, tuple[float, ...]] = {
        "general": (grain, blur, blocks),
        "rain": (veil / 2, grain, blur),
        "haze": (veil, flat / 2),
        "snow": (veil / 2, grain, blur),
        "lowlight": (dark, grain),
        "old": (grain, blur, flat / 2, pale / 2),
    }
    untouched = 1.0
    for sign in signs[category]:
        untouched *= 1 - sign
    return 1 - untouched


def _ramp(value: float, start: float, end: float) -> float:
    """Rise from 0 at `start` to 1 at `end`, which may be the smaller one."""
    return min(1.0, max(0.0, (value - start) / (end - start)))
