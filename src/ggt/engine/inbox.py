"""The inbox: replies on their way into the ledger, each on the disk before anything else is done with it."""

import asyncio
import contextlib
import json
import os
import queue
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ggt.store.blobs import storage_error, sync_folder

ReplyKind = Literal["answer", "refused", "no_image"]
_SUFFIX = ".reply"
_MOST_IN_ONE_SYNC = 64


@dataclass(frozen=True, slots=True)
class Received:
    """What one send brought back, before anybody looked inside `body`."""

    kind: ReplyKind
    body: bytes
    cost_usd: float = 0.0
    version: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Letter:
    path: Path
    data: bytes
    stored: "Future[None]"


class Inbox:
    """A folder of replies and the one thread that writes it: many replies share one sync of the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._queue: queue.SimpleQueue[_Letter | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="inbox-writer", daemon=True)
        self._thread.start()

    async def store(self, send_id: str, received: Received) -> None:
        """Put a reply on the disk; when this returns, a crash cannot lose it.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        letter = _Letter(self._path(send_id), _envelope(received), Future())
        letter.stored.set_running_or_notify_cancel()
        self._queue.put(letter)
        await asyncio.wrap_future(letter.stored)

    def has(self, send_id: str) -> bool:
        """Say whether the reply to a send lies here."""
        return self._path(send_id).exists()

    def read(self, send_id: str) -> Received | None:
        """Read a stored reply; None when there is none, or none that can be read."""
        path = self._path(send_id)
        if not path.exists():
            return None
        head, _, body = path.read_bytes().partition(b"\n")
        try:
            value: Mapping[str, str | float] = json.loads(head)
        except ValueError:
            return None  # damaged by the disk: nobody can say what it was
        kind: ReplyKind = "answer"
        for known in ("answer", "refused", "no_image"):
            kind = known if value["kind"] == known else kind
        return Received(
            kind, body, float(value["cost_usd"]), str(value["version"]), str(value["detail"])
        )

    def forget(self, send_id: str) -> None:
        """Remove a reply that the ledger has; what cannot be removed now goes when the next build begins."""
        with contextlib.suppress(OSError):
            self._path(send_id).unlink(missing_ok=True)

    def answered(self) -> frozenset[str]:
        """Name the sends whose replies lie here: after a crash the ledger may not know of them."""
        names = (path.stem for path in self._folder.glob(f"[!.]*{_SUFFIX}"))
        return frozenset(name for name in names if self.read(name) is not None)

    def close(self) -> None:
        """Finish what was handed over."""
        self._queue.put(None)
        self._thread.join()

    def _path(self, send_id: str) -> Path:
        return self._folder / f"{send_id}{_SUFFIX}"

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < _MOST_IN_ONE_SYNC and not last:
                try:
                    letter = self._queue.get_nowait()
                except queue.Empty:
                    break
                if letter is None:
                    last = True
                else:
                    batch.append(letter)
            self._store(batch)
            if last:
                return

    def _store(self, batch: list[_Letter]) -> None:
        """Store as many as can be: one that does not fit must not take the others with it."""
        written: list[_Letter] = []
        for letter in batch:
            try:
                _write(letter)
                written.append(letter)
            except OSError as error:
                letter.stored.set_exception(storage_error(letter.path, error))
        try:
            sync_folder(self._folder)
        except OSError as error:
            for letter in written:
                letter.stored.set_exception(storage_error(self._folder, error))
            return
        for letter in written:
            letter.stored.set_result(None)


def _write(letter: _Letter) -> None:
    """Write, sync, rename; the folder's own sync follows for the whole batch."""
    temporary = str(letter.path.with_name(f".{letter.path.name}"))
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        view = memoryview(letter.data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, letter.path)  # noqa: PTH105  # a Path for each of thousands costs more than the call


def _envelope(received: Received) -> bytes:
    head = {
        "kind": received.kind,
        "cost_usd": received.cost_usd,
        "version": received.version,
        "detail": received.detail,
    }
    return json.dumps(head).encode() + b"\n" + received.body
