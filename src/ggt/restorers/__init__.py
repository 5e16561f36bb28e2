"""Restorers that run here, one file each; models behind an interface are rows of models.toml."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ggt.types import Image, RestoreTask


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restorer made, the size of the lq, and what it wants remembered: steps taken, a planted fault."""

    image: Image
    notes: Mapping[str, str | float] = field(default_factory=dict[str, str | float])


@dataclass(frozen=True, slots=True)
class LocalRestorer:
    """A restorer that runs here and costs nothing, so a crash may simply repeat it.

    `restore` is a picklable top-level function, deterministic given the task.
    """

    restore: Callable[[RestoreTask], Restored]
    model: str
    """Name and version: part of the call's key, so a new version is a new question."""
    source: str
    ground_truth: bool = False
    """False stamps `not-ground-truth` on every output: a baseline or a rehearsal, never a target to train
    on blindly."""
    needs_truth: bool = False
    """True for rehearsals, which read `task.truth`."""
