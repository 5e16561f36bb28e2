"""From several votes of a vlm to one opinion: medians, confidences, defects named more than once, and what was lost."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median_low

from ggt.answers import AspectAnswer, Judgement, SeenDefect
from ggt.judges import Opinion
from ggt.judges._shown import pixels_of
from ggt.types import ASPECTS, Aspect, AspectVerdict, Box, Defect

SEVERITIES: Mapping[str, float] = {"slight": 0.25, "clear": 0.6, "gross": 1.0}
"""Ours: a slight defect is the least that costs the next prompt a sentence."""
LOST: Mapping[str, tuple[str, float]] = {
    "gone": ("object_removed", 1.0),
    "changed": ("redrawn_texture", 0.6),
}
"""What an item that was not kept counts as: a fault's name and a severity."""
LOST_CAP = 2
"""The highest level of object consistency when an item that must be kept was not."""
OTHER = "other"
_NUMBERED = re.compile(r"\s*(\d+)\s*[.:)]?\s*")


@dataclass(frozen=True, slots=True)
class _Ballot:
    """One aspect's votes: the answers that assessed it, their lower median, and those on its side of the bound."""

    aspect: Aspect
    assessed: tuple[AspectAnswer, ...]
    level: int | None
    agreeing: tuple[AspectAnswer, ...]


def combine(
    votes: Sequence[Judgement], box: Box, *, min_level: int, kinds: frozenset[str]
) -> Opinion:
    """Combine at least one vote; their order does not matter.

    An aspect's level is the lower median of the votes that assessed it. Its confidence is their mean confidence times
    the share of all votes that stand on that level's side of `min_level`; only the defects of these count. Kinds other
    than `kinds` become `other`.
    """
    assert votes, "an opinion needs a vote"
    ballots = [_ballot(votes, aspect, min_level) for aspect in ASPECTS]
    aspects = [
        _verdict(ballot, len(votes), _defects(ballot, box, min_level=min_level, kinds=kinds))
        for ballot in ballots
    ]
    index = ASPECTS.index("object_consistency")
    aspects[index] = _capped(aspects[index], votes, min_level)
    num_assessed = sum(len(ballot.assessed) for ballot in ballots)
    num_agreeing = sum(len(ballot.agreeing) for ballot in ballots)
    flip_rate = (num_assessed - num_agreeing) / num_assessed if num_assessed else 0.0
    return Opinion(tuple(aspects), flip_rate)


def _ballot(votes: Sequence[Judgement], aspect: Aspect, min_level: int) -> _Ballot:
    answers: list[AspectAnswer] = [getattr(vote, aspect) for vote in votes]
    assessed = tuple(answer for answer in answers if answer.level > 0)
    if not assessed:
        return _Ballot(aspect, (), None, ())
    level = median_low(answer.level for answer in assessed)
    passes = level >= min_level
    agreeing = tuple(answer for answer in assessed if (answer.level >= min_level) == passes)
    return _Ballot(aspect, assessed, level, agreeing)


def _verdict(ballot: _Ballot, num_votes: int, defects: tuple[Defect, ...]) -> AspectVerdict:
    if ballot.level is None:
        return AspectVerdict(ballot.aspect, None, 0.0)
    # fsum is exact, so that the order of votes changes no digit.
    mean = math.fsum(answer.confidence for answer in ballot.assessed) / len(ballot.assessed)
    confidence = round(mean * len(ballot.agreeing) / num_votes, 3)
    return AspectVerdict(ballot.aspect, ballot.level, confidence, defects)


def _defects(
    ballot: _Ballot, box: Box, *, min_level: int, kinds: frozenset[str]
) -> tuple[Defect, ...]:
    """Gather what the agreeing votes named; of a failing vote that named nothing the reason is the defect."""
    found: list[Defect] = []
    for answer in ballot.agreeing:
        found += [_defect(seen, ballot.aspect, box, kinds) for seen in answer.defects]
        if answer.level < min_level and not answer.defects:
            detail = _one_line(answer.reason)
            found.append(Defect(ballot.aspect, OTHER, SEVERITIES["clear"], detail))
    return _merged(found)


def _defect(seen: SeenDefect, aspect: Aspect, box: Box, kinds: frozenset[str]) -> Defect:
    kind = seen.kind.strip().casefold().replace(" ", "_").replace("-", "_")
    return Defect(
        aspect=aspect,
        kind=kind if kind in kinds else OTHER,
        severity=SEVERITIES[seen.severity],
        detail=_one_line(seen.what),
        box=pixels_of(seen.where, box),
    )


def _merged(defects: Iterable[Defect]) -> tuple[Defect, ...]:
    """Take defects of one kind whose places overlap as one, as grave as the gravest, at the place of the gravest.

    Located ones come first, so that a defect seen somewhere and everywhere keeps its place.
    """
    kept: list[Defect] = []
    for defect in sorted(defects, key=lambda one: (one.box is None, *_order(one))):
        same = (i for i, other in enumerate(kept) if _is_same(defect, other))
        index = next(same, None)
        if index is None:
            kept.append(defect)
        elif defect.severity > kept[index].severity:
            kept[index] = replace(kept[index], severity=defect.severity)
    return tuple(sorted(kept, key=_order))


def _order(defect: Defect) -> tuple[float | str | int, ...]:
    box = defect.box or Box(0, 0, 0, 0)
    return (
        -defect.severity,
        defect.kind,
        defect.detail,
        *(box.left, box.top, box.width, box.height),
    )


def _is_same(one: Defect, other: Defect) -> bool:
    a, b = one.box, other.box
    if one.kind != other.kind:
        return False
    if a is None or b is None:
        return True
    across = a.left < b.left + b.width and b.left < a.left + a.width
    return across and a.top < b.top + b.height and b.top < a.top + a.height


def _capped(verdict: AspectVerdict, votes: Sequence[Judgement], min_level: int) -> AspectVerdict:
    """Let object consistency fail when most votes miss an item that must be kept, with a defect for each."""
    lost = _lost(votes)
    if not lost:
        return verdict
    cap = max(1, min(LOST_CAP, min_level - 1))
    defects = _merged([*verdict.defects, *(defect for defect, _ in lost)])
    if verdict.level is not None and verdict.level <= cap:
        return replace(verdict, defects=defects)
    confidence = round(max(share for _, share in lost), 3)
    return AspectVerdict(verdict.aspect, cap, confidence, defects)


def _lost(votes: Sequence[Judgement]) -> list[tuple[Defect, float]]:
    """The items that most votes call changed or gone, and the share that does."""
    said: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for vote in votes:
        for key, (name, answer) in _answers(vote).items():
            said.setdefault(key, []).append(answer)
            names[key] = min(name, names.get(key, name))
    found: list[tuple[Defect, float]] = []
    for key in sorted(said):
        answers = [answer for answer in said[key] if answer in LOST]
        if 2 * len(answers) > len(votes):
            usual = "gone" if 2 * answers.count("gone") >= len(answers) else "changed"
            kind, severity = LOST[usual]
            detail = f"must be kept and is {usual}: {names[key]}"
            defect = Defect("object_consistency", kind, severity, detail)
            found.append((defect, len(answers) / len(votes)))
    return found


def _answers(vote: Judgement) -> dict[str, tuple[str, str]]:
    """What a vote says of each item, by its number, else by its words; said twice, the graver answer counts."""
    grave = ("cannot_tell", "yes", "changed", "gone")
    found: dict[str, tuple[str, str]] = {}
    for item in vote.kept:
        number = _NUMBERED.match(item.what)
        name = _one_line(item.what[number.end() :] if number else item.what) or item.what
        key = number[1] if number else name.casefold()
        if key not in found or grave.index(item.kept) > grave.index(found[key][1]):
            found[key] = (name, item.kept)
    return found


def _one_line(text: str) -> str:
    return " ".join(text.split())
