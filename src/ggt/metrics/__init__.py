"""Metrics: one number for an image, or for an image against its gt, one file each."""

from collections.abc import Callable
from dataclasses import dataclass

from ggt.types import Image


@dataclass(frozen=True, slots=True)
class FullReference:
    """A metric that compares with a gt of the same size.

    `definition` names everything that moves the number: channels, crop, rounding, resize, checkpoint. Values of
    different definitions never share a table.
    """

    score: Callable[[Image, Image], float]
    """`score(restored, gt)`; infinite only where the definition says so."""
    definition: str
    higher_is_better: bool
    source: str
    weights: str | None = None
    """The name under which `ggt weights import` stores what this metric needs; None when it needs nothing."""


@dataclass(frozen=True, slots=True)
class NoReference:
    """A metric that looks at one image alone; fields as in `FullReference`."""

    score: Callable[[Image], float]
    definition: str
    higher_is_better: bool
    source: str
    weights: str | None = None


Metric = FullReference | NoReference
