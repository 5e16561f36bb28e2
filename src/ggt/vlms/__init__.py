"""Vlms: whatever reads pictures and answers; models behind an interface are rows of models.toml, these run here."""

from collections.abc import Callable
from dataclasses import dataclass

from ggt.answers import Description, Flag
from ggt.types import Category, Defect, Image, Measurements


@dataclass(frozen=True, slots=True)
class Sight:
    """What a vlm of this folder is shown: an lq, what was measured of its photo, and the attempt before's defects."""

    lq: Image
    category: Category
    measurements: Measurements
    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class LocalVlm:
    """What a file of this folder adds: a description without a model and without a network.

    `describe` is a picklable top-level function, deterministic given the sight.
    """

    describe: Callable[[Sight], Description]
    model: str
    """Name and version: part of the call's key."""
    sees: frozenset[Flag]
    """The flags that it can raise; the others it always leaves down."""
    source: str
