"""Probes in the ledger: what canaries and sentinels came to. All functions run inside one transaction."""

import sqlite3
import time
from dataclasses import dataclass
from typing import Literal

ProbeKind = Literal["canary", "sentinel"]


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One asking of a canary (an mfm's photo of known truth) or a sentinel (a judge's pair of known verdict).

    `subject` is the model's alias, `name` says which of the fixed set, `epoch` counts how often somebody accepted what
    had moved: only rounds of one epoch are compared. `record` is JSON.
    """

    kind: ProbeKind
    subject: str
    name: str
    round: int
    epoch: int
    record: str


def add_probe(connection: sqlite3.Connection, row: ProbeRow) -> None:
    """Keep what a probe came to; the same one is kept once."""
    connection.execute(
        "INSERT OR IGNORE INTO probe (kind, subject, name, round, epoch, at, record) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        (row.kind, row.subject, row.name, row.round, row.epoch, time.time(), row.record),
    )


def probes_of(connection: sqlite3.Connection, subject: str | None = None) -> list[ProbeRow]:
    """List the probes of one model, or of all, in the order in which they were made."""
    rows = connection.execute(
        "SELECT kind, subject, name, round, epoch, record FROM probe "
        "WHERE ? IS NULL OR subject = ? ORDER BY subject, kind, round",
        (subject, subject),
    )
    return [ProbeRow(*row) for row in rows]


def num_calls_of(connection: sqlite3.Connection, model: str, stage: str) -> int:
    """Count the calls of photos that a model was asked at a stage; further votes about the same are not counted."""
    (count,) = connection.execute(
        "SELECT count(*) FROM call WHERE model = ? AND lane IS NOT NULL AND state != 'open' "
        "AND json_extract(question, '$.stage') = ? AND json_extract(question, '$.vote') = 0",
        (model, stage),
    ).fetchone()
    return count
