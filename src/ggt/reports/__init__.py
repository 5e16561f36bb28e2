"""Reports: the sections of the page about a workspace, one file each."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ggt.types import Aspect, Box, Category, Defect


@dataclass(frozen=True, slots=True)
class Figure:
    """Two pictures of one size, one over the other, and what is said below them.

    `lq` and `other` are addresses relative to the page, as is `trust`, a 16x16 picture, or None. `ground_truth`
    false puts the stamp on it.
    """

    id: str
    lq: str
    other: str
    width: int
    height: int
    category: Category
    title: str
    facts: tuple[tuple[str, str], ...]
    """(name, value) lines below the picture."""
    ground_truth: bool
    trust: str | None = None
    boxes: tuple[Box, ...] = ()
    """Where the defects sit, in pixels of the lq."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A rejected candidate: what it looks like and what was found."""

    figure: Figure
    aspect: Aspect | None
    """Of the gravest defect; None when it was rejected without one."""
    reasons: tuple[str, ...]
    defects: tuple[Defect, ...]


@dataclass(frozen=True, slots=True)
class FunnelStep:
    """How many lqs ended at a step, why, and how many went on."""

    words: str
    num_ended: int
    num_left: int
    reasons: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Survival:
    """Pairs among the lqs that were tried, for one category and third of severity."""

    category: Category
    severity: str
    num_pairs: int
    num_tried: int


@dataclass(frozen=True, slots=True)
class ScoreSample:
    """One candidate's value of one score."""

    name: str
    category: Category
    value: float
    accepted: bool


@dataclass(frozen=True, slots=True)
class Paid:
    """What was spent on one thing, in dollars, and how many pairs came of it."""

    what: str
    spent_usd: float
    num_pairs: int


@dataclass(frozen=True, slots=True)
class ReportFacts:
    """All that a section may tell; `pairs` and `failures` are a sample, the numbers are of all."""

    name: str
    num_lqs: int
    num_pairs: int
    num_rejected: int
    """Candidates, not lqs: an lq may have several."""
    num_waiting: int
    any_not_ground_truth: bool
    steps: tuple[FunnelStep, ...]
    survival: tuple[Survival, ...]
    pairs: tuple[Figure, ...]
    failures: tuple[Failure, ...]
    scores: tuple[ScoreSample, ...]
    costs: tuple[Paid, ...] = ()
    """Empty when no provider was asked."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A section's HTML, escaped, and the files that it shows: address relative to the page -> bytes."""

    html: str
    files: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True)
class Section:
    """What a file of this folder adds: one section of the page.

    `render(facts)` is deterministic and copes with facts of which there are none; sections stand in the order of
    `position`.
    """

    title: str
    position: int
    render: Callable[[ReportFacts], Rendered]
    source: str
    """Whose question the section answers."""
