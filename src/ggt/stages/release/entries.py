"""Entries: the little that gate, split and card must know of all pairs at once, while the pairs pass one at a time."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ggt.stages.release.losers import comparable_losers, num_unlike
from ggt.types import Assurance, Category, JudgedBy, Pair


@dataclass(frozen=True, slots=True)
class Entry:
    """One pair of a release without its pixels and its assessment.

    `maker` is (restorer, model, version that answered), `prompt` (strategy, text); `score_names` are those of its
    finite scores. Entries that say the same share the texts that say it.
    """

    id: str
    group: str
    category: Category
    severity: float
    assurance: Assurance
    ground_truth: bool
    licence: str | None
    source: str | None
    maker: tuple[str, str, str]
    judge: JudgedBy | None
    """Who judged it, where a vlm did."""
    prompt: tuple[str, str]
    score_names: tuple[str, ...]
    num_losers: int = 0
    """Candidates for its lq that were turned down and can stand beside it."""
    num_unlike: int = 0
    """Those that cannot: another size or frame."""
    loser_restorers: frozenset[str] = frozenset()
    """Who made the candidates that stand beside it where a format needs losers."""
    num_untrue_losers: int = 0
    """Those of `num_losers` that are no ground truth."""


def enter(pairs: Iterable[Pair]) -> Iterator[Entry]:
    """Reduce each pair to its entry; no pair is kept."""
    makers: dict[tuple[str, str, str], tuple[str, str, str]] = {}
    prompts: dict[tuple[str, str], tuple[str, str]] = {}
    names: dict[tuple[str, ...], tuple[str, ...]] = {}
    texts: dict[str | None, str | None] = {}
    for pair in pairs:
        maker = (pair.restorer, pair.model, pair.version)
        prompt = (pair.prompt.strategy, pair.prompt.text)
        scores = pair.assessment.scores
        finite = tuple(sorted(name for name, value in scores.items() if math.isfinite(value)))
        losers = [one.loser for one in comparable_losers(pair)]
        yield Entry(
            id=pair.id,
            group=pair.group,
            category=pair.category,
            severity=pair.measurements.severity,
            assurance=pair.assurance,
            ground_truth=pair.ground_truth,
            licence=texts.setdefault(pair.photo.licence, pair.photo.licence),
            source=texts.setdefault(pair.photo.source, pair.photo.source),
            maker=makers.setdefault(maker, maker),
            judge=pair.assessment.judged_by,
            prompt=prompts.setdefault(prompt, prompt),
            score_names=names.setdefault(finite, finite),
            num_losers=len(losers),
            loser_restorers=frozenset(loser.restorer for loser in losers),
            num_unlike=num_unlike(pair),
            num_untrue_losers=sum(not loser.ground_truth for loser in losers),
        )


def score_names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """List every score of which any of the pairs has a finite value, sorted."""
    return tuple(sorted({name for entry in entries for name in entry.score_names}))
