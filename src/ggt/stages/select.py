"""Select: of the lanes that passed, the one that the photo's pair is made of.

The score is ours, from what was measured of each candidate against the lq, until a learned full-reference score stands
here. Fidelity alone would choose whoever changed least, so a gate on improvement comes first: candidates that changed
the lq much less than their rivals did are set behind them.

Features and bound were chosen on a simulation and tested on another: 10 and 10 other clean photos under 11
degradations at 512x512, four lanes of the restorer `simulated` each, those that passed. The test, by PSNR against the
truth, with 95 % intervals over photos: of two candidates the nearer one ranks higher in 76 % (71 to 82) of 524 cases,
where worst and mean aspect alone give 61 % (52 to 69); the nearest of all is chosen for 63 % (54 to 71) of 98 lqs, by
aspects alone for 44 %, by chance for 37 %. With one lane replaced by a candidate that restores too little (mostly
blends of truth and lq) it is chosen for 69 % (61 to 76) of 93 lqs, by aspects alone for 31 %, by chance for 34 %.
Nothing of this was tested on outputs of a generative model.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from ggt.store.lanes import AttemptRow, LaneRow
from ggt.types import Assessment

LEAST_SHARE = 0.8
"""A candidate restores enough when its change of the lq is at least this share of the upper median of all."""
_UNMEASURED = -math.inf


@dataclass(frozen=True, slots=True)
class Passing:
    """An admissible candidate: quality control passed it, or a person accepted it."""

    lane: LaneRow
    attempt: AttemptRow
    assessment: Assessment
    by_person: bool


def select(passing: Sequence[Passing]) -> Passing | None:
    """Pick the best; None when there is none.

    A person's choice comes first, whoever judged; then the highest worst aspect (a pair is as good as its worst side);
    then whoever restores enough before whoever does not; then the highest fidelity; then the first in the order given,
    so that the choice never depends on which finished first.
    """
    bound = enough_change([candidate.assessment for candidate in passing])
    return max(passing, key=lambda candidate: _rank(candidate, bound), default=None)


def _rank(candidate: Passing, bound: float) -> tuple[bool, int, bool, float]:
    assessment = candidate.assessment
    levels = [aspect.level for aspect in assessment.aspects if aspect.level is not None]
    restores = assessment.scores.get("change", _UNMEASURED) >= bound
    return candidate.by_person, min(levels, default=0), restores, fidelity(assessment)


def enough_change(assessments: Sequence[Assessment]) -> float:
    """Return the logarithm of the change that counts as a restoration: a share of what rivals change.

    The upper median is the larger of two, and of more one that a single outlier cannot raise.
    """
    changes = [a.scores["change"] for a in assessments if "change" in a.scores]
    if not changes:
        return _UNMEASURED
    return statistics.median_high(changes) + math.log(LEAST_SHARE)


def fidelity(assessment: Assessment) -> float:
    """Score how much of the lq a candidate keeps: likeness of its structure less the logarithm of its change.

    `likeness_1` is that of strong structure in the second finest octave, noise allowed for; `change` the logarithm of
    the root mean square difference. What was not measured (another frame, accepted by a person) scores least.
    """
    scores = assessment.scores
    if "likeness_1" not in scores or "change" not in scores:
        return _UNMEASURED
    return scores["likeness_1"] - scores["change"]
