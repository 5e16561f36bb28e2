"""Photos and lqs in the ledger. All functions run inside one transaction of the connection that they are given."""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from ggt.types import Category

_PAGE = 100
"""Rows held in memory at once: a ledger may have millions."""

PhotoState = Literal["found", "measured", "ingested", "set_aside", "failed"]


@dataclass(frozen=True, slots=True)
class PhotoRow:
    """A collected photo; `stated` and `record` are JSON: what its source said, what ingest measured."""

    id: int
    path: str
    stated: str
    state: PhotoState
    reason: str | None
    detail: str | None
    record: str | None


@dataclass(frozen=True, slots=True)
class LqRow:
    """A low-quality input; `record` is the JSON that ingest wrote for it."""

    id: int
    photo: int
    pixel_hash: str
    category: Category
    severity: float
    group: str
    record: str


@dataclass(frozen=True, slots=True)
class NewLq:
    """What ingest adds for one lq."""

    pixel_hash: str
    category: Category
    severity: float
    group: str
    record: str


_PHOTO_COLUMNS = "id, path, stated, state, reason, detail, record"


def add_photos(connection: sqlite3.Connection, photos: Iterable[tuple[str, str]]) -> int:
    """Add (path, stated) pairs that are not known yet; returns how many are new."""
    before = connection.total_changes
    connection.executemany("INSERT OR IGNORE INTO photo (path, stated) VALUES (?, ?)", photos)
    return connection.total_changes - before


def find_photos(
    connection: sqlite3.Connection, state: PhotoState, *, after: int = 0, limit: int = -1
) -> list[PhotoRow]:
    """List photos of a state by id, from beyond `after`."""
    rows = connection.execute(
        f"SELECT {_PHOTO_COLUMNS} FROM photo WHERE state = ? AND id > ? ORDER BY id LIMIT ?",
        (state, after, limit),
    )
    return [PhotoRow(*row) for row in rows]


def by_path(connection: sqlite3.Connection, state: PhotoState) -> Iterator[PhotoRow]:
    """Yield the photos of a state in the order of their paths, a page at a time; their state may change meanwhile."""
    after = ""
    while True:
        rows = connection.execute(
            f"SELECT {_PHOTO_COLUMNS} FROM photo "
            "WHERE +state = ? AND path > ? ORDER BY path LIMIT ?",  # + keeps to the index on path
            (state, after, _PAGE),
        ).fetchall()
        if not rows:
            return
        yield from (PhotoRow(*row) for row in rows)
        after = rows[-1][1]


def get_photo(connection: sqlite3.Connection, photo: int) -> PhotoRow:
    """Fetch one photo."""
    return PhotoRow(
        *connection.execute(f"SELECT {_PHOTO_COLUMNS} FROM photo WHERE id = ?", (photo,)).fetchone()
    )


def photo_at(connection: sqlite3.Connection, path: str) -> PhotoRow | None:
    """Find the photo of a path."""
    row = connection.execute(
        f"SELECT {_PHOTO_COLUMNS} FROM photo WHERE path = ?", (path,)
    ).fetchone()
    return None if row is None else PhotoRow(*row)


def restate(connection: sqlite3.Connection, photo: int, stated: str) -> None:
    """Replace what a photo's source said of it."""
    connection.execute("UPDATE photo SET stated = ? WHERE id = ?", (stated, photo))


def bring_back(connection: sqlite3.Connection, photo: int) -> None:
    """Let a photo that was set aside go on where it was: with its lqs, or from the beginning when it gave none."""
    connection.execute(
        "UPDATE photo SET reason = NULL, detail = NULL, state = CASE WHEN EXISTS "
        "(SELECT 1 FROM lq WHERE lq.photo = photo.id) THEN 'ingested' ELSE 'found' END "
        "WHERE id = ?",
        (photo,),
    )


def bring_back_all(connection: sqlite3.Connection, reason: str) -> None:
    """Let every photo go on that was set aside for a reason that may no longer hold."""
    rows = connection.execute(
        "SELECT id FROM photo WHERE state = 'set_aside' AND reason = ?", (reason,)
    ).fetchall()
    for (photo,) in rows:
        bring_back(connection, photo)


def photo_measured(connection: sqlite3.Connection, photo: int, record: str) -> None:
    """Keep what ingest measured; duplicates are told apart once every photo is measured."""
    connection.execute(
        "UPDATE photo SET state = 'measured', record = ? WHERE id = ?", (record, photo)
    )


def photo_ended(
    connection: sqlite3.Connection,
    photo: int,
    *,
    state: Literal["set_aside", "failed"],
    reason: str,
    detail: str,
    record: str | None = None,
) -> None:
    """End a photo; its record stays, and so do its lqs with all that they cost, where it had any."""
    connection.execute(
        "UPDATE photo SET state = ?, reason = ?, detail = ?, record = coalesce(?, record) "
        "WHERE id = ?",
        (state, reason, detail, record, photo),
    )
    connection.execute(
        "UPDATE lane SET closed = 1, version = version + 1 "
        "WHERE closed = 0 AND lq IN (SELECT id FROM lq WHERE photo = ?)",
        (photo,),
    )


def photo_ingested(connection: sqlite3.Connection, photo: int, lqs: Iterable[NewLq]) -> list[int]:
    """Turn a measured photo into its lqs; returns their ids.

    Crops with the very pixels of an earlier lq are left out; a photo of which nothing is left is set aside.
    """
    ids: list[int] = []
    for lq in lqs:
        row = connection.execute(
            "INSERT INTO lq (photo, pixel_hash, category, severity, photo_group, record) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (pixel_hash) DO NOTHING RETURNING id",
            (photo, lq.pixel_hash, lq.category, lq.severity, lq.group, lq.record),
        ).fetchone()
        if row is not None:
            ids.append(row[0])
    connection.execute("UPDATE photo SET state = 'ingested' WHERE id = ?", (photo,))
    if not ids:
        detail = "its crops have the pixels of earlier ones"
        photo_ended(connection, photo, state="set_aside", reason="duplicate", detail=detail)
    return ids


_LQ_COLUMNS = "lq.id, photo, pixel_hash, category, severity, photo_group, lq.record"


def find_lqs(connection: sqlite3.Connection, *, after: int = 0, limit: int = -1) -> list[LqRow]:
    """List lqs by id, from beyond `after`, also those of photos that were set aside since."""
    rows = connection.execute(
        f"SELECT {_LQ_COLUMNS} FROM lq WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
    )
    return [LqRow(*row) for row in rows]


def each_lq(connection: sqlite3.Connection) -> Iterator[LqRow]:
    """Yield every lq of a photo that still counts, by pixel hash, a page at a time."""
    after = ""
    while True:
        rows = connection.execute(
            f"SELECT {_LQ_COLUMNS} FROM lq JOIN photo ON photo.id = lq.photo "
            "WHERE +photo.state = 'ingested' AND pixel_hash > ? ORDER BY pixel_hash LIMIT ?",
            (after, _PAGE),
        ).fetchall()
        if not rows:
            return
        yield from (LqRow(*row) for row in rows)
        after = rows[-1][2]


def lq_by_pixels(connection: sqlite3.Connection, pixel_hash: str) -> LqRow | None:
    """Find the lq with these pixels."""
    row = connection.execute("SELECT id FROM lq WHERE pixel_hash = ?", (pixel_hash,)).fetchone()
    return None if row is None else get_lq(connection, row[0])


def get_lq(connection: sqlite3.Connection, lq: int) -> LqRow:
    """Fetch one lq."""
    (row,) = find_lqs(connection, after=lq - 1, limit=1)
    return row


def lqs_of(connection: sqlite3.Connection, photo: int) -> list[LqRow]:
    """List the lqs of a photo."""
    rows = connection.execute(
        f"SELECT {_LQ_COLUMNS} FROM lq WHERE photo = ? ORDER BY lq.id", (photo,)
    )
    return [LqRow(*row) for row in rows]


def regroup(connection: sqlite3.Connection, groups: Mapping[str, str]) -> None:
    """Give every lq the group of its photo's path: a new photo may join two groups into one."""
    connection.executemany(
        "UPDATE lq SET photo_group = ? WHERE photo = (SELECT id FROM photo WHERE path = ?)",
        [(group, path) for path, group in groups.items()],
    )


def retry_failed(connection: sqlite3.Connection) -> int:
    """Let failed photos be read once more; returns how many."""
    return connection.execute("UPDATE photo SET state = 'found' WHERE state = 'failed'").rowcount
