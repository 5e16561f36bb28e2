"""Restorers: whatever maps an lq and a prompt to a restored image, one file each."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ggt.types import Category, Image, Prompt, RestoreTask


@dataclass(frozen=True, slots=True)
class Restored:
    """What a local restorer made, the size of the lq, and what it wants remembered: steps taken, a planted fault."""

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


@dataclass(frozen=True, slots=True)
class RemoteTask:
    """One attempt's question to a restorer elsewhere; the lq stays on disk until it is sent."""

    lq: Path
    """A PNG file."""
    category: Category
    prompt: Prompt
    attempt: int
    sample: int


@dataclass(frozen=True, slots=True)
class Reply:
    """What a remote restorer answered.

    `body` is kept untouched; `cost_usd` is what the provider bills for this send, `version` the model that
    it says answered.
    """

    kind: Literal["image", "refused", "no_image"]
    body: bytes
    cost_usd: float
    version: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RemoteRestorer:
    """A restorer behind an interface: each send may be billed, so none is repeated without a decision.

    `submit` makes exactly one request and raises the errors of `ggt.providers`; `read_image` turns a
    reply's body into
    the image and raises `ImageReadError`.
    """

    submit: Callable[[RemoteTask, str], Awaitable[Reply]]
    """`submit(task, send_id)`; the send id travels as a request id where the wire has room for one."""
    read_image: Callable[[bytes], Image]
    model: str
    worst_case_usd: float
    """Reserved before each send."""
    source: str
    ground_truth: bool = True
