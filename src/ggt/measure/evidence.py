"""Evidence: what was measured of one (lq, candidate), before any threshold."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ggt.types import Alignment, Box

Cells = tuple[tuple[float, ...], ...]
"""TRUST_CELLS rows of TRUST_CELLS values."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Plain numbers only, so that it can be stored as JSON and judged again in microseconds.

    Sizes are (width, height). Everything after `hq_size` holds for the crop `box` of the lq and the same crop of the
    candidate moved by `correction`; it is empty when the sizes forbid a comparison.
    """

    lq_size: tuple[int, int]
    hq_size: tuple[int, int]
    box: Box
    correction: tuple[int, int] = (0, 0)
    alignment: Alignment | None = None
    features: Mapping[str, float] = field(default_factory=dict[str, float])
    """Named numbers; what each says is written where it is measured."""
    cells: Mapping[str, Cells] = field(default_factory=dict[str, Cells])
    """Local measurements over the box."""
