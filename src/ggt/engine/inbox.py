"""The inbox: replies on their way into the ledger, each on the disk before anything else is done with it.

Replies that wait together become one file: written, synced, renamed, and its folder synced, once for all of them.
"""

import asyncio
import contextlib
import hashlib
import queue
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from ggt.errors import StorageError
from ggt.store.blobs import write_durably
from ggt.store.handover import hand_over

ReplyKind = Literal["answer", "refused", "no_image"]
_SUFFIX = ".replies"
_MOST_BYTES = 16 * 2**20
"""A batch takes no more letters once it holds this much: the first must not wait long for the others' images."""


@dataclass(frozen=True, slots=True)
class Received:
    """What one send brought back, before anybody looked inside `body`."""

    kind: ReplyKind
    body: bytes
    cost_usd: float = 0.0
    version: str = ""
    detail: str = ""
    request_id: str = ""
    """The provider's own name of the send."""


@dataclass(frozen=True, slots=True)
class _Letter:
    send_id: str
    head: bytes
    body: bytes
    stored: "asyncio.Future[None]"


class Inbox:
    """A folder of replies and the one thread that writes it; a file goes once the ledger has all its replies."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        for leftover in folder.glob(".*.tmp"):  # a crash came before the rename
            with contextlib.suppress(OSError):
                leftover.unlink()
        self._files = stored_replies(folder)
        self._emptied: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._changing = threading.Lock()
        self._queue: queue.SimpleQueue[_Letter | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve, name="inbox-writer", daemon=True)
        self._thread.start()

    async def store(self, send_id: str, received: Received) -> None:
        """Put a reply on the disk; when this returns, a crash cannot lose it.

        Raises:
            StorageError: the disk is full or the folder cannot be written.
        """
        head = _head(send_id, received)
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put(_Letter(send_id, head, received.body, stored))
        await stored

    def has(self, send_id: str) -> bool:
        """Say whether the reply to a send lies here."""
        return send_id in self._files

    def read(self, send_id: str) -> Received | None:
        """Read a stored reply; None when there is none, or none that can be read any more."""
        name = self._files.get(send_id)
        if name is None:
            return None
        try:
            data = (self._folder / name).read_bytes()
        except OSError:
            return None
        return dict(_unpack(data)).get(send_id)

    def forget(self, send_id: str) -> None:
        """Let go of a reply that the ledger has; a file goes with the last of its replies.

        It goes after the next batch or when the inbox closes; what cannot be removed then, when the next build ends.
        """
        with self._changing:
            name = self._files.pop(send_id, None)
            if name is not None and name not in self._files.values():
                self._emptied.put(name)

    def answered(self) -> frozenset[str]:
        """Name the sends whose replies lie here: after a crash the ledger may not know of them."""
        return frozenset(self._files)

    def close(self) -> None:
        """Finish what was handed over, and remove what the ledger has."""
        self._queue.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            self._store(self._with_what_waits(first))
            self._remove_emptied()
        self._remove_emptied()

    def _remove_emptied(self) -> None:
        """Remove files in this thread: it takes a millisecond each, and `forget` runs in the ledger's."""
        while not self._emptied.empty():
            with contextlib.suppress(OSError):
                (self._folder / self._emptied.get()).unlink(missing_ok=True)

    def _with_what_waits(self, first: _Letter) -> list[_Letter]:
        """Take what came while the last batch was written; only this thread takes, so `empty` can be trusted."""
        batch = [first]
        num_bytes = len(first.body)
        while num_bytes < _MOST_BYTES and not self._queue.empty():
            letter = self._queue.get()
            if letter is None:
                self._queue.put(None)  # nothing follows it
                break
            batch.append(letter)
            num_bytes += len(letter.body)
        return batch

    def _store(self, batch: list[_Letter]) -> None:
        """Store all in one file, or each by itself: one that does not fit must not take the others with it."""
        name = f"{batch[0].send_id}{_SUFFIX}"  # a send is answered once, so no other file has this name
        outcome = None
        try:
            write_durably(self._folder / name, _pack(batch))
        except StorageError as error:
            if len(batch) > 1:
                for letter in batch:
                    self._store([letter])
                return
            outcome = error
        else:
            with self._changing:
                self._files.update((letter.send_id, name) for letter in batch)
        hand_over((letter.stored, outcome) for letter in batch)


def stored_replies(folder: Path) -> dict[str, str]:
    """Name the file of every whole reply in an inbox's folder, by send; it only reads, also where nobody may write."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob(f"[!.]*{_SUFFIX}")):
        with contextlib.suppress(FileNotFoundError):  # a build that has just begun took it
            found.update((send_id, path.name) for send_id, _ in _unpack(path.read_bytes()))
    return found


@dataclass(frozen=True, slots=True)
class _Head:
    """What an envelope says of its body."""

    send_id: str
    kind: ReplyKind
    cost_usd: float
    version: str
    detail: str
    request_id: str = ""


_HEAD = TypeAdapter(_Head)
_FRAME = struct.Struct(">QQ32s")
"""An envelope begins with the lengths of head and body and the sha256 of both."""


def _head(send_id: str, received: Received) -> bytes:
    return _HEAD.dump_json(
        _Head(
            send_id,
            received.kind,
            received.cost_usd,
            received.version,
            received.detail,
            received.request_id,
        )
    )


def _pack(letters: list[_Letter]) -> bytes:
    parts: list[bytes] = []
    for letter in letters:
        checksum = hashlib.sha256(letter.head)
        checksum.update(letter.body)
        frame = _FRAME.pack(len(letter.head), len(letter.body), checksum.digest())
        parts += (frame, letter.head, letter.body)
    return b"".join(parts)


def _unpack(data: bytes) -> Iterator[tuple[str, Received]]:
    """Yield the replies that are whole; one that the disk tore or damaged is passed over."""
    start = 0
    while start + _FRAME.size <= len(data):
        num_head, num_body, checksum = _FRAME.unpack_from(data, start)
        body_start = start + _FRAME.size + num_head
        content = data[start + _FRAME.size : body_start + num_body]
        if hashlib.sha256(content).digest() == checksum:
            head = _HEAD.validate_json(content[:num_head])
            body = content[num_head:]
            yield (
                head.send_id,
                Received(
                    head.kind, body, head.cost_usd, head.version, head.detail, head.request_id
                ),
            )
        start = body_start + num_body
