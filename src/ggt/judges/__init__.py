"""Judges: what a candidate deserves in each of five aspects, one file each; the verdict is computed elsewhere."""

from collections.abc import Callable
from dataclasses import dataclass

from ggt.measure.evidence import Evidence
from ggt.types import AspectVerdict, Category


@dataclass(frozen=True, slots=True)
class Judge:
    """What a file of this folder adds.

    `judge(evidence, category, strictness)` returns all five aspects in the order of `ggt.types.ASPECTS`; level None
    means not assessed. `strictness` 1 is as calibrated, above 1 rejects more, below 1 less.
    """

    judge: Callable[[Evidence, Category, float], tuple[AspectVerdict, ...]]
    source: str
