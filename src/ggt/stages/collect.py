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
from ggt.settings.recipe import Recipe
from ggt.sources import Source
from ggt.stages.attempts import LQ_RECORD, Bench
from ggt.stages.duplicates import Fingerprint, Grouping, find_duplicates, fingerprint, read_excluded
from ggt.stages.ingest import IngestResult, ingest_photo
from ggt.store import calls, lanes, photos
from ggt.store.database import Database
from ggt.store.photos import NewLq, PhotoRow
from ggt.types import Photo

PHOTO = TypeAdapter(Photo)
RESULT = TypeAdapter(IngestResult)
Advance = Callable[[str, int, int], None]
_AT_ONCE = 1_000


def list_photos(database: Database, folder: Path, *, stated: Photo) -> int:
    """Write down the photos of a folder that are not known yet; returns how many are new.

    Raises:
        UsageError: the folder does not exist, cannot be read, or holds no photo.
    """
    found = plugins.load("sources", "folder", Source).find(folder)
    new = total = 0
    for some in _batches(found):
        rows = [(p.path, PHOTO.dump_json(_with(p, stated)).decode()) for p in some]
        total += len(rows)
        new += database.write_now(lambda c, rows=rows: photos.add_photos(c, rows))
    if total == 0:
        raise UsageError(f"{str(folder)!r} holds no photo: name a folder of JPEG, PNG, ... files")
    return new


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
        result = await bench.pool.run(
            ingest_photo,
            str(folder),
            PHOTO.validate_json(row.stated),
            bench.recipe.ingest,
            bench.blobs,
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

    work = Work(claim, process, fail, num_under_way=4 * bench.pool.num_processes)
    await drain(work, bench.stop, on_done=on_done)


async def open_lanes(database: Database, recipe: Recipe, excluded: Iterable[Path]) -> None:
    """Tell copies and scenes apart among all photos measured so far, then give each lq its lanes."""
    if not database.read(lambda c: photos.find_photos(c, "measured", limit=1)):
        return
    groups = await asyncio.to_thread(_group, database, recipe, excluded)
    names = recipe.lane_names()

    def write(connection: sqlite3.Connection) -> None:
        twins = {twin.path: twin for twin in groups.twins}
        for row in photos.by_path(connection, "measured"):
            twin = twins.get(row.path)
            if twin is None:
                _open(connection, row, groups.groups[row.path], names)
            else:
                photos.photo_ended(
                    connection, row.id, state="set_aside", reason=twin.reason, detail=twin.detail
                )
        photos.regroup(connection, groups.groups)

    await database.write(write)
    crashpoint("after_duplicates")


def _group(database: Database, recipe: Recipe, excluded: Iterable[Path]) -> Grouping:
    def prints(connection: sqlite3.Connection) -> list[Fingerprint]:
        return [
            *(_fingerprint(row, ingested=True) for row in photos.by_path(connection, "ingested")),
            *(_fingerprint(row, ingested=False) for row in photos.by_path(connection, "measured")),
        ]

    known = database.read_apart(prints)
    return find_duplicates(known, recipe.ingest, read_excluded(excluded))


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
    """Fill in what the command line says for photos whose sidecar says nothing."""
    return replace(
        photo,
        licence=photo.licence or stated.licence,
        author=photo.author or stated.author,
        source=photo.source or stated.source,
    )


def _batches(found: Iterator[Photo]) -> Iterator[list[Photo]]:
    while some := list(islice(found, _AT_ONCE)):
        yield some
