"""Judge: aspects from a judge, the verdict from our own rule, and the trust map from local mismatches."""

import math
from collections.abc import Sequence

from ggt import plugins
from ggt.judges import Judge
from ggt.measure.evidence import Cells, Evidence
from ggt.settings.quality import JudgeSettings
from ggt.types import AspectVerdict, Category, TrustMap, Verdict

_HALF_TRUSTED = 3.0
"""A mismatch (in units of what noise and texture excuse) of which nine in ten are faults; ours."""
_SLOPE = 0.8


def measured_aspects(
    evidence: Evidence, category: Category, *, settings: JudgeSettings
) -> tuple[AspectVerdict, ...]:
    """Ask the judge that needs no model."""
    judge = plugins.load("judges", "measured", Judge)
    return judge.judge(evidence, category, settings.strictness)


def verdict(aspects: Sequence[AspectVerdict], *, min_level: int) -> Verdict:
    """Accept when every assessed aspect reaches the level; `unjudged` when none was assessed."""
    levels = [aspect.level for aspect in aspects if aspect.level is not None]
    if not levels:
        return "unjudged"
    return "accept" if min(levels) >= min_level else "reject"


def trust_map(mismatch: Cells) -> TrustMap:
    """Turn mismatches into trust, 0 to 1."""
    return tuple(
        tuple(round(1 / (1 + math.exp(min(50.0, (m - _HALF_TRUSTED) / _SLOPE))), 3) for m in row)
        for row in mismatch
    )
