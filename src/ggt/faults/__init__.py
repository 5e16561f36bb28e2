"""Faults: errors planted in a good pair, to see which of them quality control notices, one file each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ggt.types import Aspect, Box, Image


@dataclass(frozen=True, slots=True)
class GoodPair:
    """What a fault spoils: an lq, its faithful target, and another photo of the same size for mix-ups."""

    lq: Image
    hq: Image
    other: Image


@dataclass(frozen=True, slots=True)
class Planted:
    """The spoiled pair; `box` is where the fault sits, None when it is everywhere.

    `decidable` is False where the pair itself cannot show the fault: the spoiled detail is finer than the lq resolves
    or lies below its noise. Such cells are counted apart.
    """

    lq: Image
    hq: Image
    parameters: Mapping[str, float]
    box: Box | None = None
    decidable: bool = True


@dataclass(frozen=True, slots=True)
class Fault:
    """What a file of this folder adds.

    `plant(pair, strength, rng)` takes a strength from 0 (just visible to an attentive reviewer) to 1 (gross, seen at
    a glance); `aspects` are those that may notice; a judge that blames another one is wrong.
    """

    plant: Callable[[GoodPair, float, np.random.Generator], Planted]
    aspects: tuple[Aspect, ...]
    source: str
    """Where this fault of generative editors or of careless pipelines is reported."""
    subtle: float = 0.25
    """The strength that calibration calls subtle."""
    gross: float = field(default=1.0)
    """The strength that calibration calls gross."""
