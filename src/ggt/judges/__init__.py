"""Judges: what a candidate deserves in each of five aspects, one file each; the verdict is computed elsewhere."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ggt.answers import Judgement, MustKeep
from ggt.measure.evidence import Evidence
from ggt.types import AspectVerdict, Box, Category, Image


@dataclass(frozen=True, slots=True)
class Judge:
    """A judge that needs no model.

    `judge(evidence, category, strictness)` returns all five aspects in the order of `ggt.types.ASPECTS`; level None
    means not assessed. `strictness` 1 is as calibrated, above 1 rejects more, below 1 less.
    """

    judge: Callable[[Evidence, Category, float], tuple[AspectVerdict, ...]]
    source: str


@dataclass(frozen=True, slots=True)
class JudgeTask:
    """What a judge that asks is shown: both sides of a pair, cut alike, and what must be kept.

    Regions of `must_keep` are relative to the pictures as they are here.
    """

    lq: Image
    candidate: Image
    category: Category
    must_keep: tuple[MustKeep, ...] = ()


@dataclass(frozen=True, slots=True)
class Opinion:
    """What several votes come to: five aspects in the order of `ggt.types.ASPECTS`.

    `flip_rate` is the share of votes, over all assessed aspects, that fall on the other side of the passing level than
    their majority: 0 for a judge that never contradicts itself.
    """

    aspects: tuple[AspectVerdict, ...]
    flip_rate: float


@dataclass(frozen=True, slots=True)
class AskingJudge:
    """A judge that asks a vlm; its answer is a `Judgement`.

    `content(task)` is what the vlm is sent: texts and pictures in their order. `opinion(votes, box, min_level)`
    combines at least one readable vote; `box` is where the pictures lie in the lq, and places of defects are in its
    pixels.
    """

    content: Callable[[JudgeTask], tuple[str | Image, ...]]
    opinion: Callable[[Sequence[Judgement], Box, int], Opinion]
    version: str
    """sha256 of its texts, its schema and its preprocessing: another version is another judge."""
    source: str
