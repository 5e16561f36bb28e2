"""People's decisions: append-only, in a file of their own, bound to the pixels that they saw."""

import hashlib
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from ggt.errors import StorageError, UsageError
from ggt.store.schema import open_unchanged
from ggt.types import Box

Choice = Literal["accept", "reject", "regenerate"]

# Triggers, not manners, keep it append-only; `identity` makes an import that runs twice harmless.
_TABLES = """
CREATE TABLE IF NOT EXISTS decision (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  identity TEXT NOT NULL UNIQUE,
  lq TEXT NOT NULL,
  candidate TEXT NOT NULL,
  record TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS decision_by_lq ON decision (lq);
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON decision
  BEGIN SELECT raise(ABORT, 'decisions are never changed: add one that follows'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON decision
  BEGIN SELECT raise(ABORT, 'decisions are never deleted: add one that follows'); END;
"""


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person decided about one candidate, and when (ISO 8601, UTC; empty: when it is added).

    `lq` and `candidate` are pixel hashes: a decision never carries over to other pixels. The last decision by
    anybody on the same pixels counts. `reasons` are names of aspects or faults; `region` is in pixels of the lq.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    lq: str
    candidate: str
    choice: Choice
    reviewer: str
    at: str
    reasons: tuple[str, ...] = ()
    note: str = ""
    region: Box | None = None


_ADAPTER = TypeAdapter(Decision)
_FIELDS: TypeAdapter[dict[str, object]] = TypeAdapter(dict[str, object])
_FOR_READERS = ("photo", "lq_file", "candidate_file")
"""What an export of waiting candidates adds for whoever fills it in."""


class Decisions:
    """The store of decisions of one workspace; opening it never needs the engine's lock."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        self._path = path
        try:
            if readonly:
                if path.exists():
                    self._connection = open_unchanged(path)
                    self._connection.execute(
                        "BEGIN"
                    )  # one moment's decisions, however long they are read
                    return
                self._connection = sqlite3.connect(":memory:")
            else:
                self._connection = sqlite3.connect(path, isolation_level=None)
                # Without a write-ahead log whoever reads keeps people from writing, and the other way round.
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.executescript(_TABLES)
        except sqlite3.OperationalError as error:
            raise StorageError(f"cannot open {str(path)!r} ({error}): make it writable") from error

    def add(self, decisions: Iterable[Decision]) -> int:
        """Append decisions, all or none; those already there are skipped; returns how many are new."""
        rows = [(_identity(d), d.lq, d.candidate, _dump(_dated(d))) for d in decisions]
        before = self._connection.total_changes
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.executemany(
                "INSERT OR IGNORE INTO decision (identity, lq, candidate, record) "
                "VALUES (?, ?, ?, ?)",
                rows,
            )
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise StorageError(
                f"cannot write {str(self._path)!r} ({error}): free space or make it writable"
            ) from error
        return self._connection.total_changes - before

    def about(self, lq: str) -> list[Decision]:
        """List all decisions about candidates of one lq, oldest first."""
        rows = self._connection.execute(
            "SELECT record FROM decision WHERE lq = ? ORDER BY seq", (lq,)
        )
        return [_ADAPTER.validate_json(row[0]) for row in rows]

    def all(self) -> Iterator[Decision]:
        """Yield every decision, oldest first."""
        for row in self._connection.execute("SELECT record FROM decision ORDER BY seq"):
            yield _ADAPTER.validate_json(row[0])

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()


def now() -> str:
    """Say the time as decisions write it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def export_jsonl(decisions: Iterable[Decision]) -> str:
    """Write one JSON object a line."""
    return "".join(_dump(decision) + "\n" for decision in decisions)


def import_jsonl(text: str, name: str) -> list[Decision]:
    """Read one JSON object a line; lines whose `choice` is empty are not decided yet and are skipped.

    Raises:
        UsageError: a line that is no decision; names the file, the line and the field.
    """
    decisions: list[Decision] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            decision = _parse(line)
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "the line"
            raise UsageError(f"{name!r} line {number}: {field}: {first['msg']}") from None
        except ValueError as error:
            raise UsageError(f"{name!r} line {number}: {error}") from None
        if decision is not None:
            decisions.append(decision)
    return decisions


def _parse(line: str) -> Decision | None:
    fields = _FIELDS.validate_json(line)
    for name in _FOR_READERS:
        fields.pop(name, None)
    if fields.get("choice") == "":
        return None
    if not fields.get("reviewer"):
        raise ValueError("reviewer is empty: say who decided")
    fields["at"] = fields.get("at") or ""
    return _ADAPTER.validate_python(fields)


def _dump(decision: Decision) -> str:
    return json.dumps(asdict(decision), sort_keys=True, ensure_ascii=False)


def _identity(decision: Decision) -> str:
    """Name a decision by all that was said, the time as it was given: the same file again adds nothing."""
    return hashlib.sha256(_dump(decision).encode()).hexdigest()


def _dated(decision: Decision) -> Decision:
    return decision if decision.at else replace(decision, at=now())
