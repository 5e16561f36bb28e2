"""Entries: the little that gate, split and card must know of all pairs at once, while the pairs pass one at a time."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ggt.types import Assurance, Category, Pair


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
    prompt: tuple[str, str]
    score_names: tuple[str, ...]


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
            prompt=prompts.setdefault(prompt, prompt),
            score_names=names.setdefault(finite, finite),
        )


def score_names(entries: Sequence[Entry]) -> tuple[str, ...]:
    """List every score of which any of the pairs has a finite value, sorted."""
    return tuple(sorted({name for entry in entries for name in entry.score_names}))
