"""One writer thread for the ledger: many small transactions, one sync for as many as are waiting."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from ggt.errors import StorageError
from ggt.store import schema
from ggt.store.handover import hand_over

T = TypeVar("T")
_MOST_IN_ONE_COMMIT = 256


@dataclass(slots=True)
class _Write(Generic[T]):
    """A piece of work and where its result goes once the commit is durable."""

    work: Callable[[sqlite3.Connection], T]
    future: "Future[T] | asyncio.Future[T]"
    must_hold: bool = False
    """True when nobody waits: if it fails, nothing that comes after may hold either."""
    outcome: T | Exception | None = None


class Database:
    """The ledger's file: `write` from anywhere, answered after the sync; `read` on a connection that cannot write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = schema.open_for_writing(path)
        self._reader = schema.open_for_reading(path)
        self._queue: queue.SimpleQueue[_Write[object] | None] = queue.SimpleQueue()
        self._failure: StorageError | None = None
        self.num_commits = 0
        self._thread = threading.Thread(target=self._serve, name="ledger-writer", daemon=True)
        self._thread.start()

    def write_soon(self, work: Callable[[sqlite3.Connection], T]) -> "Future[T]":
        """Queue work without waiting; every later write is durable only after it, and raises if it failed."""
        return self._submit(work, must_hold=True)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run `work(connection)` in a transaction of its own; return when it is on the disk.

        Raises:
            StorageError: the disk is full or the file cannot be written; nothing of this work was kept.
            Exception: whatever `work` raised; nothing of it was kept.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._put(_Write(work, future))
        return await future

    def write_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do the same from ordinary code, waiting for it."""
        return self._submit(work).result()

    def read(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a query on what is committed; from the thread that made this object only."""
        return work(self._reader)

    def read_apart(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Run a long query on a connection of its own; from any thread."""
        connection = schema.open_for_reading(self._path)
        try:
            return work(connection)
        finally:
            connection.close()

    def close(self) -> None:
        """Finish what was submitted and let go of the file."""
        self._queue.put(None)
        self._thread.join()
        self._reader.close()
        self._connection.close()

    def _submit(
        self, work: Callable[[sqlite3.Connection], T], *, must_hold: bool = False
    ) -> "Future[T]":
        future: Future[T] = Future()
        future.set_running_or_notify_cancel()  # from here on nobody can withdraw it
        self._put(_Write(work, future, must_hold))
        return future

    def _put(self, item: _Write[T]) -> None:
        self._queue.put(item)  # pyright: ignore[reportArgumentType]  # results are told apart by their futures

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, last = self._drain(first)
            self._commit(batch)
            if last:
                return

    def _drain(self, first: _Write[object]) -> tuple[list[_Write[object]], bool]:
        batch = [first]
        while len(batch) < _MOST_IN_ONE_COMMIT:
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                break
            if item is None:
                return batch, True
            batch.append(item)
        return batch, False

    def _commit(self, batch: list[_Write[object]]) -> None:
        """Commit all that succeeds; a piece of work that fails takes only itself back."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for item in batch:
                self._run(item)
            self._connection.execute("COMMIT")
            self.num_commits += 1
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            failure = StorageError(
                f"cannot write {str(self._path)!r} ({error}): free space or make it writable, then run again"
            )
            for item in batch:
                self._failure = failure if item.must_hold else self._failure
                item.outcome = failure
        hand_over((item.future, item.outcome) for item in batch)

    def _run(self, item: _Write[object]) -> None:
        if self._failure is not None:
            item.outcome = self._failure
            return
        self._connection.execute("SAVEPOINT one")
        try:
            item.outcome = item.work(self._connection)
        except sqlite3.OperationalError:
            raise  # the disk, not this piece of work: everybody in the batch must know
        except Exception as error:  # noqa: BLE001  # handed to whoever asked, through the future
            item.outcome = error
            if item.must_hold:
                self._failure = StorageError(f"the ledger refused what it must hold: {error!r}")
            self._connection.execute("ROLLBACK TO one")
        self._connection.execute("RELEASE one")
