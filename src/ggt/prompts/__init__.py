"""Prompt strategies: what a restorer is told about an lq, one file each."""

from collections.abc import Callable
from dataclasses import dataclass

from ggt.types import Category, Defect, Prompt


@dataclass(frozen=True, slots=True)
class PromptStrategy:
    """What a file of this folder adds.

    `write(category, defects)` is told the defects of the attempt before, gravest first.
    """

    write: Callable[[Category, tuple[Defect, ...]], Prompt]
    source: str
