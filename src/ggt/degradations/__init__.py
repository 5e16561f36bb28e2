"""Degradations: synthetic transforms from a clean photo to an lq, one file each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ggt.types import Category, Image


@dataclass(frozen=True, slots=True)
class Degraded:
    """A degraded photo, the same size as the clean one, and the physical parameters that were drawn or derived."""

    image: Image
    parameters: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Degradation:
    """What a file of this folder adds.

    `apply(clean, strength, rng)` takes a strength from 0 (mildest that is still a degradation) to 1 (strongest from
    which a person could still restore the picture) and is deterministic given the generator's state.
    """

    apply: Callable[[Image, float, np.random.Generator], Degraded]
    category: Category
    source: str
    """The paper or model that the transform follows, with its section where there is one."""
