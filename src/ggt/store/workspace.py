"""The folder of one build: where its files lie, who may write, and how it is opened for reading."""

import contextlib
import fcntl
import json
import os
import socket
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ggt.errors import WorkspaceHeldError
from ggt.settings.recipe import Recipe
from ggt.store import schema
from ggt.store.blobs import blob_path, read_blob, storage_error
from ggt.store.database import Database
from ggt.store.decisions import Decisions


@dataclass(frozen=True, slots=True)
class Layout:
    """The files of a workspace."""

    folder: Path

    @property
    def ledger(self) -> Path:
        """The database that only the engine writes."""
        return self.folder / "ledger.sqlite"

    @property
    def decisions(self) -> Path:
        """The database that people write, also during a build."""
        return self.folder / "decisions.sqlite"

    @property
    def blobs(self) -> Path:
        """The stored files, by content."""
        return self.folder / "blobs"

    @property
    def inbox(self) -> Path:
        """Replies of providers on their way into the ledger."""
        return self.folder / "inbox"

    @property
    def lock(self) -> Path:
        """Held by the process that builds."""
        return self.folder / "engine.lock"

    @property
    def test_members(self) -> Path:
        """The frozen membership of the test split."""
        return self.folder / "test_members.json"

    def read_blob(self, sha256: str, suffix: str = ".png") -> bytes:
        """Read a stored file and check it against its name."""
        return read_blob(self.blobs, sha256, suffix)

    def blob_path(self, sha256: str, suffix: str = ".png") -> Path:
        """Say where a stored file lies."""
        return blob_path(self.blobs, sha256, suffix)


@contextmanager
def hold(folder: Path) -> Generator[Layout]:
    """Make or open a workspace and keep every other build out of it while inside.

    Raises:
        WorkspaceHeldError: another process builds there; the message says which.
        StorageError: the folder cannot be made or written.
    """
    layout = Layout(folder)
    try:
        layout.inbox.mkdir(parents=True, exist_ok=True)
        layout.blobs.mkdir(exist_ok=True)
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise storage_error(folder, error) from error
    try:
        if not _lock(descriptor):
            holder = layout.lock.read_text(encoding="utf-8") or "a process that just started"
            raise WorkspaceHeldError(
                f"{str(folder)!r} is being built by {holder}: wait for it or stop it"
            )
        _sign(descriptor, layout)
        yield layout
    finally:
        os.close(descriptor)  # the kernel lets go of the lock, also after kill -9


def _lock(descriptor: int) -> bool:
    """Take the lock; a glance of `ggt status` holds it for a moment and is waited for."""
    for _ in range(10):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(0.05)
    return False


def _sign(descriptor: int, layout: Layout) -> None:
    started = time.strftime("%Y-%m-%d %H:%M:%S")
    text = f"process {os.getpid()} on {socket.gethostname()} since {started}"
    try:
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, text.encode(), 0)
    except OSError as error:
        raise storage_error(layout.lock, error) from error


def is_held(folder: Path) -> bool:
    """Say whether a process builds in the workspace right now."""
    try:
        descriptor = os.open(Layout(folder).lock, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@dataclass(frozen=True, slots=True)
class Reading:
    """A workspace opened for reading: nothing that is done with it can change the ledger."""

    layout: Layout
    ledger: sqlite3.Connection
    decisions: Decisions

    @property
    def recipe(self) -> Recipe:
        """The resolved recipe that the workspace was last built with."""
        value = get_meta(self.ledger, "recipe")
        return Recipe.model_validate_json(value) if value else Recipe()


@contextmanager
def open_readonly(folder: Path) -> Generator[Reading]:
    """Open a workspace for reading, also while a build writes it: what is read is the state of one moment.

    Raises:
        WorkspaceError: not a workspace, or one of a newer version.
    """
    layout = Layout(folder)
    ledger = schema.open_for_reading(layout.ledger)
    decisions = Decisions(layout.decisions, readonly=True)
    ledger.execute("BEGIN")
    try:
        yield Reading(layout, ledger, decisions)
    finally:
        decisions.close()
        ledger.close()


def get_meta(connection: sqlite3.Connection, key: str) -> str | None:
    """Read one of the workspace's own values."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(connection: sqlite3.Connection, key: str, value: str) -> None:
    """Write one of the workspace's own values."""
    connection.execute(
        "INSERT INTO meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        (key, value),
    )


_WAITING = "waiting for "


def note_wait(connection: sqlite3.Connection, who: str, until: float) -> None:
    """Write down that a provider asked to wait, until when in seconds since the epoch."""
    set_meta(connection, f"{_WAITING}{who}", str(until))


def waits(connection: sqlite3.Connection, now: float) -> list[tuple[str, float]]:
    """List (who, until) of the providers whose wait is not over."""
    rows = connection.execute(
        "SELECT substr(key, ?), CAST(value AS REAL) FROM meta WHERE key GLOB ? ORDER BY key",
        (len(_WAITING) + 1, f"{_WAITING}*"),
    )
    return [(who, until) for who, until in rows if until > now]


def stored_recipe(database: Database) -> Recipe | None:
    """Read the recipe of the last build; None in a new workspace."""
    value = database.read(lambda c: get_meta(c, "recipe"))
    return Recipe.model_validate(json.loads(value)) if value else None
