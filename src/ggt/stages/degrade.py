"""Degrade: clean photos become lqs whose truth is known, for rehearsals and for benches."""

import csv
import io
import json
import logging
import os
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from ggt import plugins
from ggt.degradations import Degradation, Degraded
from ggt.errors import ImageReadError, UsageError
from ggt.images import encode_png, read_image
from ggt.store.blobs import write_durably
from ggt.types import Image, Photo

SIDECAR = "photos.csv"
COLUMNS = (
    "file",
    "category",
    "source",
    "author",
    "licence",
    "url",
    "scene",
    "truth",
    "degradation",
    "strength",
    "parameters",
)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class DegradePlan:
    """What to make of every clean photo.

    `kinds` are names of the folder `degradations/`; `per_photo` of them are applied to each photo, taking turns so that
    all come equally often; None applies all. Strengths are drawn evenly from `weakest` to `strongest`.
    """

    kinds: tuple[str, ...]
    seed: int = 0
    per_photo: int | None = None
    weakest: float = 0.15
    strongest: float = 0.85


@dataclass(frozen=True, slots=True)
class DegradeResult:
    """How many lqs were written, and why clean photos were left out, one line each."""

    num_written: int
    failures: tuple[str, ...]


def degrade_photos(
    photos: Iterable[Photo],
    root: Path,
    *,
    out: Path,
    plan: DegradePlan,
    advance: Callable[[int], None] = lambda _: None,
) -> DegradeResult:
    """Write one PNG per photo and degradation below `out`, and `photos.csv` beside them last.

    The same photos, plan and versions give the same bytes, so an interrupted run is simply repeated.
    `advance` is told of each photo that is done.

    Raises:
        UsageError: no kinds, bounds out of order, `out` is `root`, or `out` holds a `photos.csv` that is not ours.
        UnknownPluginError: a kind that does not exist.
    """
    _check(plan, root=root, out=out)
    rows: list[tuple[str, ...]] = []
    failures: list[str] = []
    used: set[str] = set()
    for index, photo in enumerate(photos):
        try:
            clean = read_image(root / photo.path).image
        except ImageReadError as error:
            failures.append(str(error))
            _log.warning("left out: %s", error)
        else:
            stem = _stem(photo.path, used)
            truth = os.path.relpath((root / photo.path).resolve(), out.resolve())
            for name in _kinds_of(plan, index):
                file = f"{stem}-{name}.png"
                strength, degraded = _draw(clean, photo.path, name=name, plan=plan)
                write_durably(out / file, encode_png(degraded.image))
                rows.append(
                    _row(file, photo, truth=truth, name=name, strength=strength, degraded=degraded)
                )
        advance(1)
    write_durably(out / SIDECAR, _table(rows))
    return DegradeResult(num_written=len(rows), failures=tuple(failures))


def degrade_image(clean: Image, *, kind: str, strength: float, seed: int) -> Degraded:
    """Degrade one picture; `strength` is 0 to 1.

    Raises:
        UnknownPluginError: no degradation is named `kind`.
    """
    degradation = plugins.load("degradations", kind, Degradation)
    return degradation.apply(clean, strength, np.random.default_rng(seed))


def _check(plan: DegradePlan, *, root: Path, out: Path) -> None:
    if not plan.kinds:
        raise UsageError(
            "no degradation was named: choose from " + ", ".join(plugins.names("degradations"))
        )
    for name in plan.kinds:
        plugins.load("degradations", name, Degradation)
    if plan.per_photo is not None and not 1 <= plan.per_photo <= len(plan.kinds):
        raise UsageError(
            f"{plan.per_photo} degradations a photo of {len(plan.kinds)} named: give 1 to {len(plan.kinds)}"
        )
    if not 0 <= plan.weakest <= plan.strongest <= 1:
        raise UsageError(
            f"strengths {plan.weakest} to {plan.strongest} are not within 0 to 1, weakest first"
        )
    if out.resolve() == root.resolve():
        raise UsageError(
            f"{str(out)!r} holds the clean photos: choose another folder for the degraded ones"
        )
    sidecar = out / SIDECAR
    if sidecar.exists() and not sidecar.read_bytes().startswith(_table([]).rstrip()):
        raise UsageError(f"{str(sidecar)!r} was not written by this command: choose another folder")


def _kinds_of(plan: DegradePlan, index: int) -> list[str]:
    count = len(plan.kinds) if plan.per_photo is None else plan.per_photo
    return [plan.kinds[(index * count + turn) % len(plan.kinds)] for turn in range(count)]


def _draw(clean: Image, path: str, *, name: str, plan: DegradePlan) -> tuple[float, Degraded]:
    """Draw a strength and degrade; what comes out hangs on seed, photo and kind only, not on the other photos."""
    seeds = np.random.SeedSequence(
        (plan.seed, zlib.crc32(path.encode()), zlib.crc32(name.encode()))
    )
    rng = np.random.default_rng(seeds)
    strength = round(float(rng.uniform(plan.weakest, plan.strongest)), 4)
    return strength, plugins.load("degradations", name, Degradation).apply(clean, strength, rng)


def _stem(path: str, used: set[str]) -> str:
    """Name outputs after the photo, with its suffix only where two photos differ by nothing else."""
    bare = str(PurePosixPath(path).with_suffix(""))
    stem = path if bare in used else bare
    used.add(stem)
    return stem


def _row(
    file: str, photo: Photo, *, truth: str, name: str, strength: float, degraded: Degraded
) -> tuple[str, ...]:
    category = plugins.load("degradations", name, Degradation).category
    parameters = {key: round(float(value), 6) for key, value in degraded.parameters.items()}
    stated = (photo.source, photo.author, photo.licence, photo.url)
    return (
        file,
        category,
        *(value or "" for value in stated),
        photo.scene or photo.path,
        truth,
        name,
        str(strength),
        json.dumps(parameters),
    )


def _table(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    return text.getvalue().encode()
