"""Lanes and attempts in the ledger. All functions run inside one transaction of the connection that they are given."""

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Literal

LaneState = Literal[
    "ready", "running", "passed", "rejected", "refused", "review", "in_doubt", "failed"
]
Outcome = Literal["passed", "rejected", "unjudged"]
LEASE_S = 3600.0


@dataclass(frozen=True, slots=True)
class LaneRow:
    """One (restorer, prompt strategy, sample) for one lq."""

    id: int
    lq: int
    restorer: str
    prompt: str
    sample: int
    revision: int
    state: LaneState
    detail: str | None


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One candidate of a lane and what became of it; `prompt`, `notes` and `assessment` are JSON.

    The fields are columns of those names: what is written is what is read.
    """

    number: int
    call: str
    prompt: str
    candidate: str
    pixel_hash: str
    notes: str
    outcome: Outcome
    stage: str | None
    assessment: str


LaneName = tuple[str, str, int]
"""(restorer, prompt strategy, sample index)."""


def open_lanes(connection: sqlite3.Connection, lq: int, lanes: Iterable[LaneName]) -> None:
    """Give a new lq its lanes."""
    connection.executemany(
        "INSERT OR IGNORE INTO lane (lq, restorer, prompt, sample) VALUES (?, ?, ?, ?)",
        [(lq, *name) for name in lanes],
    )


def open_everywhere(connection: sqlite3.Connection, lanes: Iterable[LaneName]) -> None:
    """Give every lq the lanes that it does not have yet, and reopen closed ones, each in the state that it had.

    The lqs of photos that were set aside get none.
    """
    counting = (
        "SELECT lq.id FROM lq JOIN photo ON photo.id = lq.photo WHERE photo.state = 'ingested'"
    )
    for name in lanes:
        connection.execute(
            "INSERT OR IGNORE INTO lane (restorer, prompt, sample, lq) SELECT ?, ?, ?, id "
            f"FROM ({counting})",
            name,
        )
        connection.execute(
            "UPDATE lane SET closed = 0, version = version + 1 WHERE restorer = ? AND prompt = ? "
            f"AND sample = ? AND closed = 1 AND lq IN ({counting})",
            name,
        )


def close_other_lanes(connection: sqlite3.Connection, lanes: Iterable[LaneName]) -> int:
    """Close the lanes that the recipe no longer names; what they made and how they ended is kept."""
    kept = set(lanes)
    names = connection.execute("SELECT DISTINCT restorer, prompt, sample FROM lane").fetchall()
    closed = 0
    for name in names:
        if tuple(name) not in kept:
            closed += connection.execute(
                "UPDATE lane SET closed = 1, version = version + 1 "
                "WHERE restorer = ? AND prompt = ? AND sample = ? AND closed = 0",
                name,
            ).rowcount
    return closed


def claim(connection: sqlite3.Connection, owner: str, limit: int) -> list[int]:
    """Take up to `limit` ready lanes, oldest first."""
    rows = connection.execute(
        "UPDATE lane SET state = 'running', owner = ?, lease_until = ?, version = version + 1 "
        "WHERE id IN (SELECT id FROM lane WHERE state = 'ready' AND closed = 0 ORDER BY id LIMIT ?) "
        "RETURNING id",
        (owner, time.time() + LEASE_S, limit),
    ).fetchall()
    return sorted(row[0] for row in rows)


def give_back_running(connection: sqlite3.Connection) -> int:
    """After a crash, make the dead engine's lanes ready again, or in doubt where a send of theirs is."""
    connection.execute(
        "UPDATE lane SET state = 'in_doubt', owner = NULL, version = version + 1 "
        "WHERE state IN ('running', 'ready') AND id IN (SELECT call.lane FROM call "
        "JOIN send ON send.call = call.key WHERE call.state = 'open' AND send.state = 'in_doubt' "
        "AND send.retried = 0)"
    )
    return connection.execute(
        "UPDATE lane SET state = 'ready', owner = NULL, version = version + 1 "
        "WHERE state = 'running'"
    ).rowcount


def ready_after_retry(connection: sqlite3.Connection) -> int:
    """Make the lanes in doubt ready whose doubtful sends may all be repeated."""
    return connection.execute(
        "UPDATE lane SET state = 'ready', version = version + 1 WHERE state = 'in_doubt' AND id "
        "NOT IN (SELECT call.lane FROM call JOIN send ON send.call = call.key "
        "WHERE call.lane IS NOT NULL AND call.state = 'open' AND send.state = 'in_doubt' "
        "AND send.retried = 0)"
    ).rowcount


def set_state(
    connection: sqlite3.Connection, lane: int, state: LaneState, detail: str | None = None
) -> None:
    """Move a lane on and let go of it."""
    connection.execute(
        "UPDATE lane SET state = ?, detail = ?, owner = NULL, version = version + 1 WHERE id = ?",
        (state, detail, lane),
    )


def reopen_all(connection: sqlite3.Connection) -> int:
    """Run every lane again under a changed recipe: finished calls answer from the ledger, the rest is new."""
    return connection.execute(
        "UPDATE lane SET revision = revision + 1, version = version + 1, "
        "state = CASE WHEN state = 'in_doubt' THEN state ELSE 'ready' END"
    ).rowcount


def record_attempt(connection: sqlite3.Connection, lane: LaneRow, attempt: AttemptRow) -> None:
    """Keep a candidate with its assessment under the lane's present revision; an attempt is written once."""
    # not astuple, which copies every value: this runs for each attempt of a large build
    values = (lane.id, lane.revision, *(getattr(attempt, name) for name in _ATTEMPT_FIELDS))
    places = ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO attempt (lane, revision, {_ATTEMPT_COLUMNS}) VALUES ({places})", values
    )


_LANE_COLUMNS = "id, lq, restorer, prompt, sample, revision, state, detail"
_ATTEMPT_FIELDS = tuple(column.name for column in fields(AttemptRow))
_ATTEMPT_COLUMNS = ", ".join(_ATTEMPT_FIELDS)


def get_lane(connection: sqlite3.Connection, lane: int) -> LaneRow:
    """Fetch one lane."""
    return LaneRow(
        *connection.execute(f"SELECT {_LANE_COLUMNS} FROM lane WHERE id = ?", (lane,)).fetchone()
    )


def lanes_of(connection: sqlite3.Connection, lq: int) -> list[LaneRow]:
    """List the lanes of an lq that the recipe still names, in a fixed order."""
    rows = connection.execute(
        f"SELECT {_LANE_COLUMNS} FROM lane WHERE lq = ? AND closed = 0 "
        "ORDER BY restorer, prompt, sample",
        (lq,),
    )
    return [LaneRow(*row) for row in rows]


def attempts_of(connection: sqlite3.Connection, lane: LaneRow) -> list[AttemptRow]:
    """List a lane's attempts under its present revision, in their order."""
    rows = connection.execute(
        f"SELECT {_ATTEMPT_COLUMNS} FROM attempt WHERE lane = ? AND revision = ? ORDER BY number",
        (lane.id, lane.revision),
    )
    return [AttemptRow(*row) for row in rows]


def failures(connection: sqlite3.Connection, *, closed: bool) -> list[tuple[str, str]]:
    """List (photo's path, why) of failed lanes: those that the recipe names, or those that it no longer does."""
    return connection.execute(
        "SELECT photo.path, coalesce(lane.detail, '') FROM lane JOIN lq ON lq.id = lane.lq "
        "JOIN photo ON photo.id = lq.photo WHERE lane.state = 'failed' AND lane.closed = ? "
        "ORDER BY photo.path, lane.id",
        (closed,),
    ).fetchall()


def count_by_state(connection: sqlite3.Connection) -> dict[str, int]:
    """Count the lanes that the recipe names, by state."""
    rows = connection.execute("SELECT state, count(*) FROM lane WHERE closed = 0 GROUP BY state")
    return dict(rows.fetchall())


def retry_failed(connection: sqlite3.Connection) -> int:
    """Let failed lanes that the recipe names be tried once more; returns how many."""
    return connection.execute(
        "UPDATE lane SET state = 'ready', version = version + 1 "
        "WHERE state = 'failed' AND closed = 0"
    ).rowcount
