"""Prompt strategies: what a restorer is told about an lq, one file each."""

from collections.abc import Callable
from dataclasses import dataclass

from ggt.answers import Description
from ggt.types import Category, Defect, Measurements, Prompt


@dataclass(frozen=True, slots=True)
class PromptTask:
    """What a strategy is told: the lq, and of the attempt before its prompt and its defects, gravest first."""

    category: Category
    measurements: Measurements
    defects: tuple[Defect, ...] = ()
    previous: str = ""
    """Empty for the first attempt."""


@dataclass(frozen=True, slots=True)
class PromptStrategy:
    """What a file of this folder adds.

    A strategy that asks a vlm has a `question`: the text that goes with the lq, answered by a `Description`; `write` is
    then given the answer, else None.
    """

    write: Callable[[PromptTask, Description | None], Prompt]
    source: str
    question: Callable[[PromptTask], str] | None = None
    version: str = ""
    """sha256 of the texts that it asks with; empty when it asks nobody."""
