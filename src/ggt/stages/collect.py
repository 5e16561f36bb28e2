"""Collect: list the photos, ingest the new ones in the pool, tell copies apart, and open the lanes.

Lanes are opened once every photo is measured: a copy must be known before it is paid for, and which of two copies stays
must not depend on which was read first.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from pydantic import TypeAdapter

from ggt import plugins
from ggt.engine.crashpoints import crashpoint
from ggt.engine.scheduler import Work, drain
from ggt.errors import UsageError
from ggt.settings.ingest import IngestSettings
from ggt.settings.recipe import Recipe
from ggt.sources import Source
from ggt.stages.attempts import LQ_RECORD, Bench
from ggt.stages.duplicates import Fingerprint, Grouping, Twin, find_duplicates, fingerprint
from ggt.stages.exclude import ExcludedFile, recall, remember
from ggt.stages.ingest import IngestResult, ingest_photo, why_barred
from ggt.store import calls, lanes, photos
from ggt.store.database import Database
from ggt.store.photos import NewLq, PhotoRow
from ggt.store.workspace import get_meta, set_meta
from ggt.types import Photo

PHOTO = TypeAdapter(Photo)
RESULT = TypeAdapter(IngestResult)
Advance = Callable[[str, int, int], None]
_AT_ONCE = 1_000
_GROUPING, _DUE = "grouping", "due"
"""The ledger's note that photos must be compared anew though none is new: a set or a statement is."""


def list_photos(
    database: Database, folder: Path, *, stated: Photo, settings: IngestSettings
) -> int:
    """Write down the photos of a folder, and what is said now of those that are known; returns how many are new.

    Raises:
        UsageError: the folder does not exist, cannot be read, or holds no photo.
    """
    found = plugins.load("sources", "folder", Source).find(folder)
    new = total = 0

    def write(connection: sqlite3.Connection, some: list[Photo]) -> int:
        return sum(_list(connection, _with(photo, stated), settings) for photo in some)

    for some in _batches(found):
        total += len(some)
        new += database.write_now(lambda c, some=some: write(c, some))
    if total == 0:
        raise UsageError(f"{str(folder)!r} holds no photo: name a folder of JPEG, PNG, ... files")
    return new


def _list(connection: sqlite3.Connection, photo: Photo, settings: IngestSettings) -> bool:
    """Write a photo down, or what is said of it now; returns whether it is new."""
    row = photos.photo_at(connection, photo.path)
    stated = PHOTO.dump_json(photo).decode()
    if row is None:
        photos.add_photos(connection, [(photo.path, stated)])
        return True
    if row.stated == stated:
        return False
    known = PHOTO.validate_json(row.stated)
    said = _with(photo, known)
    if row.state not in ("found", "failed") and row.reason != "barred":
        # It was measured as what it was said to be then, and an lq is never derived again.
        said = replace(said, category=known.category, truth=known.truth)
    if said != known:
        photos.restate(connection, row.id, PHOTO.dump_json(said).decode())
        calls.log(connection, "restated", row.path, row.stated)
        _follow(connection, row, said, settings)
    if said.scene != known.scene:
        set_meta(connection, _GROUPING, _DUE)
    return False


def _follow(
    connection: sqlite3.Connection, row: PhotoRow, said: Photo, settings: IngestSettings
) -> None:
    """Set a known photo aside whose licence is barred now, or bring one back that was barred for want of another."""
    barred = why_barred(said, settings)
    if barred and row.state in ("found", "measured", "ingested"):
        photos.photo_ended(connection, row.id, state="set_aside", reason="barred", detail=barred)
    elif row.reason == "barred" and not barred:
        photos.bring_back(connection, row.id)
        set_meta(connection, _GROUPING, _DUE)


async def ingest_new(folder: Path, bench: Bench, advance: Advance) -> None:
    """Measure every photo that was only listed so far."""
    state = {"after": 0, "done": 0}
    (total,) = bench.database.read(
        lambda c: c.execute("SELECT count(*) FROM photo WHERE state = 'found'").fetchone()
    )

    async def claim(limit: int) -> list[int]:
        rows = bench.database.read(
            lambda c: photos.find_photos(c, "found", after=state["after"], limit=limit)
        )
        state["after"] = rows[-1].id if rows else state["after"]
        return [row.id for row in rows]

    async def process(photo: int) -> None:
        row = bench.database.read(lambda c: photos.get_photo(c, photo))
        result = await bench.workshop.pool.run(
            ingest_photo,
            str(folder),
            PHOTO.validate_json(row.stated),
            bench.recipe.ingest,
            bench.workshop.blobs,
        )
        await bench.database.write(lambda c: _keep(c, row, result))
        crashpoint("after_photo_measured")

    async def fail(photo: int, error: Exception) -> None:
        detail = f"{type(error).__name__}: {error}"
        await bench.database.write(
            lambda c: photos.photo_ended(c, photo, state="failed", reason="error", detail=detail)
        )

    def on_done(count: int) -> None:
        state["done"] += count
        advance("ingest", state["done"], total)

    work = Work(claim, process, fail, num_under_way=4 * bench.workshop.pool.num_processes)
    await drain(work, bench.stop, on_done=on_done)


async def open_lanes(database: Database, recipe: Recipe, excluded: Iterable[Path]) -> None:
    """Tell copies and scenes apart among all photos measured so far, then give each new lq its lanes.

    `excluded` is added to the excluded sets of earlier builds; known photos that look like theirs are set aside too.

    Raises:
        UsageError: an excluded set that cannot be read whole.
    """
    if await asyncio.to_thread(remember, database, excluded):
        await database.write(lambda c: set_meta(c, _GROUPING, _DUE))
    if not database.read(_something_new):
        return
    groups = await asyncio.to_thread(_group, database, recipe)
    names = recipe.lane_names()

    def write(connection: sqlite3.Connection) -> None:
        twins = {twin.path: twin for twin in groups.twins}
        for row in photos.by_path(connection, "measured"):
            if row.path not in twins:
                _open(connection, row, groups.groups[row.path], names)
        for twin in groups.twins:
            _set_aside(connection, twin)
        photos.regroup(connection, groups.groups)
        set_meta(connection, _GROUPING, "done")

    await database.write(write)
    crashpoint("after_duplicates")


def _something_new(connection: sqlite3.Connection) -> bool:
    """Say whether there are photos, sets or statements that were not compared with the others yet."""
    due = get_meta(connection, _GROUPING) == _DUE
    return due or bool(photos.find_photos(connection, "measured", limit=1))


def _set_aside(connection: sqlite3.Connection, twin: Twin) -> None:
    """Set a copy aside before it costs anything; what looks like a picture of an excluded set, at any time."""
    row = photos.photo_at(connection, twin.path)
    assert row is not None
    if row.state == "measured" or twin.reason == "excluded":
        photos.photo_ended(
            connection, row.id, state="set_aside", reason=twin.reason, detail=twin.detail
        )


def _group(database: Database, recipe: Recipe) -> Grouping:
    def find(connection: sqlite3.Connection) -> tuple[list[Fingerprint], tuple[ExcludedFile, ...]]:
        prints = [
            *(_fingerprint(row, ingested=True) for row in photos.by_path(connection, "ingested")),
            *(_fingerprint(row, ingested=False) for row in photos.by_path(connection, "measured")),
        ]
        return prints, recall(connection)

    known, excluded = database.read_apart(find)
    return find_duplicates(known, recipe.ingest, excluded)


def _fingerprint(row: PhotoRow, *, ingested: bool) -> Fingerprint:
    assert row.record is not None
    taken = fingerprint(PHOTO.validate_json(row.stated), RESULT.validate_json(row.record))
    return replace(taken, ingested=ingested)


def _open(
    connection: sqlite3.Connection, row: PhotoRow, group: str, names: list[lanes.LaneName]
) -> None:
    assert row.record is not None
    result = RESULT.validate_json(row.record)
    new = [
        NewLq(
            pixel_hash=lq.record.pixel_hash,
            category=lq.record.category,
            severity=lq.record.measurements.severity,
            group=group,
            record=LQ_RECORD.dump_json(lq.record).decode(),
        )
        for lq in result.lqs
    ]
    for lq in photos.photo_ingested(connection, row.id, new):
        lanes.open_lanes(connection, lq, names)


def _keep(connection: sqlite3.Connection, row: PhotoRow, result: IngestResult) -> None:
    record = RESULT.dump_json(result).decode()
    if result.outcome == "ingested":
        photos.photo_measured(connection, row.id, record)
        return
    photos.photo_ended(
        connection,
        row.id,
        state=result.outcome,
        reason=result.reason or "",
        detail=result.detail,
        record=record,
    )
    if result.outcome == "failed":
        calls.log(connection, "photo_failed", row.path, result.detail)


def _with(photo: Photo, stated: Photo) -> Photo:
    """Fill in what is stated elsewhere (on the command line, by an earlier build) and not beside the photo."""
    return Photo(
        path=photo.path,
        source=photo.source or stated.source,
        author=photo.author or stated.author,
        licence=photo.licence or stated.licence,
        url=photo.url or stated.url,
        scene=photo.scene or stated.scene,
        category=photo.category or stated.category,
        truth=photo.truth or stated.truth,
    )


def _batches(found: Iterator[Photo]) -> Iterator[list[Photo]]:
    while some := list(islice(found, _AT_ONCE)):
        yield some
