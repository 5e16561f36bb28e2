"""Select: of the lanes that passed, the one that the photo's pair is made of."""

from dataclasses import dataclass

from ggt.store.lanes import AttemptRow, LaneRow
from ggt.types import Assessment


@dataclass(frozen=True, slots=True)
class Passing:
    """An admissible candidate: quality control passed it, or a person accepted it."""

    lane: LaneRow
    attempt: AttemptRow
    assessment: Assessment
    by_person: bool


def select(passing: list[Passing]) -> Passing | None:
    """Pick the best; None when there is none.

    The order is ours, until a learned full-reference score stands here: a person's choice first, then the highest worst
    aspect (a pair is as good as its worst side), then the highest mean aspect weighted by confidence, then the
    first in the order given, so that the choice never depends on which finished first.
    """
    return max(passing, key=_rank, default=None)


def _rank(candidate: Passing) -> tuple[bool, int, float]:
    assessed = [a for a in candidate.assessment.aspects if a.level is not None]
    levels = [a.level for a in assessed if a.level is not None]
    weight = sum(a.confidence for a in assessed)
    mean = sum((a.level or 0) * a.confidence for a in assessed) / weight if weight else 0.0
    return candidate.by_person, min(levels, default=0), mean
