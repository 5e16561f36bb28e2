"""Histories: what was tried for each lq, as much of it as says where the lq stands, without what was measured."""

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from ggt.store.lanes import LaneState, Outcome
from ggt.types import Category


@dataclass(frozen=True, slots=True)
class TriedOnce:
    """One attempt: its candidate, the stage and first reason of a rejection, and its notes as JSON."""

    pixel_hash: str
    outcome: Outcome
    stage: str | None
    reason: str | None
    notes: str


@dataclass(frozen=True, slots=True)
class LaneHistory:
    """A lane that the recipe names, and its attempts under the present revision."""

    restorer: str
    state: LaneState
    detail: str | None
    attempts: tuple[TriedOnce, ...]


@dataclass(frozen=True, slots=True)
class LqHistory:
    """An lq of a photo that counts, and its lanes in a fixed order."""

    pixel_hash: str
    category: Category
    severity: float
    lanes: tuple[LaneHistory, ...]


_Row = tuple[
    str,
    Category,
    float,
    int | None,
    str,
    LaneState,
    str | None,
    str | None,
    Outcome,
    str | None,
    str | None,
    str,
]

# One pass in the order of three indexes; of an assessment, which may have thousands of numbers, one text is taken out.
_QUERY = """
SELECT lq.pixel_hash, lq.category, lq.severity, lane.id, lane.restorer, lane.state, lane.detail,
  attempt.pixel_hash, attempt.outcome, attempt.stage,
  CASE WHEN attempt.outcome = 'rejected' THEN json_extract(attempt.assessment, '$.reasons[0]') END,
  attempt.notes
FROM lq JOIN photo ON photo.id = lq.photo AND +photo.state = 'ingested'
LEFT JOIN lane ON lane.lq = lq.id AND lane.closed = 0
LEFT JOIN attempt ON attempt.lane = lane.id AND attempt.revision = lane.revision
ORDER BY lq.pixel_hash, lane.restorer, lane.prompt, lane.sample, attempt.number
"""


def each_history(connection: sqlite3.Connection) -> Iterator[LqHistory]:
    """Yield the history of every lq that counts, by pixel hash, one at a time in memory."""
    for (pixel_hash, category, severity), rows in groupby(
        connection.execute(_QUERY), key=lambda row: row[:3]
    ):
        yield LqHistory(pixel_hash, category, severity, tuple(_lanes(rows)))


def _lanes(rows: Iterable[_Row]) -> Iterator[LaneHistory]:
    for (lane, restorer, state, detail), tried in groupby(rows, key=lambda row: row[3:7]):
        if lane is not None:
            yield LaneHistory(restorer, state, detail, tuple(_attempts(tried)))


def _attempts(rows: Iterable[_Row]) -> Iterator[TriedOnce]:
    for row in rows:
        pixel_hash, outcome, stage, reason, notes = row[7:]
        if pixel_hash is not None:
            yield TriedOnce(pixel_hash, outcome, stage, reason, notes)
