"""`ask`: the only door to anything costly. A question that was answered is never asked again."""

import asyncio
import hashlib
import json
import os
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ggt.engine.crashpoints import crashpoint
from ggt.engine.limits import Limits
from ggt.engine.stop import Stop
from ggt.errors import StopRunError
from ggt.providers import InDoubtError, ProviderStopError, UnbilledError
from ggt.store import calls
from ggt.store.blobs import storage_error, write_durably
from ggt.store.database import Database

Parameter = str | int | float | Sequence[str]
ReplyKind = Literal["answer", "refused", "no_image"]


@dataclass(frozen=True, slots=True)
class Question:
    """What makes two calls the same call; nothing else does (no timeouts, no secrets, no version that comes back)."""

    stage: str
    provider: str
    model: str
    prompt: str
    inputs: tuple[str, ...]
    """Pixel hashes."""
    parameters: Mapping[str, Parameter]
    attempt: int
    sample: int
    vote: int = 0

    def text(self) -> str:
        """Write it as canonical JSON: sorted keys, no spaces, no escapes that could differ."""
        value = {name: getattr(self, name) for name in self.__slots__}
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)

    def key(self) -> str:
        """Name the call: sha256 of its text, in hex."""
        return hashlib.sha256(self.text().encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Received:
    """What one send brought back, before anybody looked inside `body`."""

    kind: ReplyKind
    body: bytes
    cost_usd: float = 0.0
    version: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Service:
    """Who answers: `send(send_id)` submits once, `read(body)` turns a body into the JSON answer that the ledger keeps.

    `read` raises ValueError for a body that is no answer (undecodable, wrong size).
    """

    send: Callable[[str], Awaitable[Received]]
    read: Callable[[bytes], Awaitable[str]]
    worst_case_usd: float
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """A finished call: `answer` is the JSON text from `Service.read`, None when the provider refused for good."""

    key: str
    answer: str | None
    version: str
    detail: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The recipe's part in asking."""

    budget_usd: float | None = None
    num_resends: int = 1
    """How often a refused, empty or unusable reply is sent again."""
    num_unbilled: int = 8
    """How often a send that cost nothing is repeated before the run stops."""
    first_delay_s: float = 1.0


class Asker:
    """Asks questions for one engine, writing everything down in the ledger first."""

    def __init__(
        self, database: Database, inbox: Path, *, policy: Policy, limits: Limits, stop: Stop
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._policy = policy
        self._limits = limits
        self._stop = stop
        self._owner = f"{socket.gethostname()}:{os.getpid()}"

    async def ask(self, question: Question, service: Service, *, lane: int) -> Answered:
        """Answer from the ledger, or from the inbox after a crash, or by sending.

        Raises:
            InDoubtError: this or an earlier send left and nothing came back; it is not repeated.
            StopRunError: budget, provider or disk end the run; nothing is lost.
        """
        key = question.key()
        call = self._database.read(lambda c: calls.find_call(c, key))
        if call is not None and call.state != "open":
            return Answered(key, call.answer, call.version or "", "from the ledger")
        while True:
            send, received = await self._take_up(question, service, lane=lane)
            if received is None:
                async with self._limits.slot(f"{question.provider}/{question.model}"):
                    received = await self._submit(send, service)
            if received is not None:
                answered = await self._conclude(send, received, service)
                if answered is not None:
                    return answered

    async def _take_up(
        self, question: Question, service: Service, *, lane: int
    ) -> tuple[calls.SendRow, Received | None]:
        """Find the send whose reply a crash left in the inbox, or write the intent for a new one."""
        key = question.key()
        sends = self._database.read(lambda c: calls.sends_of(c, key))
        last = sends[-1] if sends else None
        if last is not None and last.state in ("intent", "submitted"):
            received = read_inbox(inbox_path(self._inbox, last.id))
            if received is not None:
                return last, received
        if last is not None and calls.blocks(last):
            raise InDoubtError(f"send {last.id!r} may have been billed and brought no answer")
        num_free = sum(send.state == "unbilled" for send in sends)
        if num_free:
            await self._back_off(num_free, sends)
        budget = self._policy.budget_usd

        def begin(connection: sqlite3.Connection) -> calls.SendRow:
            calls.open_call(
                connection, key, lane=lane, model=question.model, question=question.text()
            )
            return calls.begin_send(
                connection,
                key,
                repeatable=service.repeatable,
                reserve_micro=calls.micro(service.worst_case_usd),
                budget_micro=None if budget is None else calls.micro(budget),
                owner=self._owner,
            )

        send = await self._database.write(begin)
        crashpoint("after_intent")
        return send, None

    async def _back_off(self, num_free: int, sends: list[calls.SendRow]) -> None:
        if num_free > self._policy.num_unbilled:
            raise StopRunError(
                f"the provider took nothing in {num_free} tries ({sends[-1].detail}): run again later"
            )
        await self._stop.wait(self._policy.first_delay_s * 2 ** (num_free - 1))
        if self._stop.requested:
            raise StopRunError("stopped while waiting for the provider")

    async def _submit(self, send: calls.SendRow, service: Service) -> Received | None:
        """Send once; None when that was free and may be done again."""
        try:
            received = await service.send(send.id)
        except UnbilledError as error:
            detail = str(error)
            await self._database.write(lambda c: calls.release_unbilled(c, send, detail))
            if error.delay_s:
                await self._stop.wait(error.delay_s)
            return None
        except ProviderStopError as error:
            detail = str(error)
            await self._database.write(lambda c: calls.release_unbilled(c, send, detail))
            raise StopRunError(f"the provider takes no more: {error}") from error
        except InDoubtError as error:
            detail = str(error)
            await self._database.write(lambda c: calls.put_in_doubt(c, send, detail))
            raise
        except asyncio.CancelledError:
            raise
        except Exception as error:
            await self._lost(send, service, error)
            raise
        crashpoint("after_reply")
        if not service.repeatable:
            await asyncio.to_thread(
                write_durably, inbox_path(self._inbox, send.id), _envelope(received)
            )
        crashpoint("after_inbox")
        return received

    async def _lost(self, send: calls.SendRow, service: Service, error: Exception) -> None:
        """Whatever else went wrong after the intent may have been billed, unless it was ours and free."""
        detail = f"{type(error).__name__}: {error}"
        if service.repeatable:
            await self._database.write(lambda c: calls.release_unbilled(c, send, detail))
        else:
            await self._database.write(lambda c: calls.put_in_doubt(c, send, detail))

    async def _conclude(
        self, send: calls.SendRow, received: Received, service: Service
    ) -> Answered | None:
        """Settle a reply; None when the question shall be sent again."""
        state: Literal["done"] | calls.Unhappy
        answer, state, detail = await self._read(received, service)
        sends = self._database.read(lambda c: calls.sends_of(c, send.call))
        unhappy = sum(s.state in ("refused", "no_image", "bad_output") for s in sends)
        final = state == "done" or unhappy >= self._policy.num_resends
        crashpoint("before_done")

        def finish(connection: sqlite3.Connection) -> None:
            cost = calls.micro(received.cost_usd)
            calls.settle(connection, send, state=state, cost_micro=cost, detail=detail)
            if cost > send.reserved_micro:
                calls.log(connection, "above_worst_case", send.id, f"{cost} micro-dollars")
            if final:
                outcome = "done" if state == "done" else "refused"
                calls.finish_call(
                    connection, send.call, state=outcome, answer=answer, version=received.version
                )

        await self._database.write(finish)
        crashpoint("after_done")
        _forget(inbox_path(self._inbox, send.id))
        return Answered(send.call, answer, received.version, detail) if final else None

    async def _read(
        self, received: Received, service: Service
    ) -> tuple[str | None, Literal["done"] | calls.Unhappy, str]:
        if received.kind != "answer":
            return None, received.kind, received.detail
        try:
            return await service.read(received.body), "done", received.detail
        except ValueError as error:
            return None, "bad_output", str(error)


def inbox_path(inbox: Path, send_id: str) -> Path:
    """Say where the reply to a send waits until the ledger has it."""
    return inbox / f"{send_id}.reply"


def answered_in_inbox(inbox: Path) -> frozenset[str]:
    """List the sends whose reply was stored before a crash."""
    return frozenset(path.stem for path in inbox.glob("[!.]*.reply"))


def read_inbox(path: Path) -> Received | None:
    """Read a stored reply; None when there is none."""
    if not path.exists():
        return None
    head, _, body = path.read_bytes().partition(b"\n")
    value = json.loads(head)
    return Received(body=body, **value)


def _envelope(received: Received) -> bytes:
    head = {
        "kind": received.kind,
        "cost_usd": received.cost_usd,
        "version": received.version,
        "detail": received.detail,
    }
    return json.dumps(head).encode() + b"\n" + received.body


def _forget(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(path, error) from error
