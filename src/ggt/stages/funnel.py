"""The funnel: how many lqs ended at each step, and how many of each kind became pairs."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from ggt.stages.release.split import severity_bin
from ggt.types import Category, Fate, FateStage

STAGES: tuple[FateStage, ...] = get_args(FateStage)
"""In the order in which a photo meets them."""
STAGE_WORDS: Mapping[FateStage, str] = {
    "failed": "not readable, or failed with an error",
    "set_aside": "set aside before any cost",
    "align": "rejected: not aligned with the lq",
    "screen": "rejected by metrics",
    "judge": "rejected by the judge",
    "refused": "refused by the restorer",
    "waiting": "not tried yet, or in doubt",
    "review": "waits for people",
    "pair": "accepted as a pair",
}
_UNTRIED: frozenset[FateStage] = frozenset({"failed", "set_aside", "waiting"})


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the funnel: how many ended there, how many went on, and the reasons of those that ended."""

    stage: FateStage
    words: str
    num_ended: int
    num_left: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Share:
    """How many of those tried became pairs."""

    num_pairs: int
    num_tried: int


def steps(fates: Sequence[Fate]) -> list[Step]:
    """Count what ended at each step, in order; the last step's number is that of the pairs."""
    left = len(fates)
    reasons: dict[FateStage, Counter[str]] = defaultdict(Counter)
    for fate in fates:
        # What follows a colon is the measured value, different for each.
        reasons[fate.stage][fate.reason.partition(":")[0]] += 1
    found: list[Step] = []
    for stage in STAGES:
        ended = reasons[stage].total()
        left -= ended
        told = tuple(sorted(reasons[stage].items(), key=lambda item: (-item[1], item[0])))
        found.append(Step(stage, STAGE_WORDS[stage], ended, left, told))
    return found


def survival(fates: Iterable[Fate]) -> dict[tuple[Category, str], Share]:
    """Count pairs among the lqs that were tried, by category and third of severity."""
    pairs = Counter[tuple[Category, str]]()
    tried = Counter[tuple[Category, str]]()
    for fate in fates:
        if fate.stage in _UNTRIED or fate.category is None or fate.severity is None:
            continue
        key = (fate.category, severity_bin(fate.severity))
        tried[key] += 1
        pairs[key] += fate.stage == "pair"
    return {key: Share(pairs[key], tried[key]) for key in tried}
