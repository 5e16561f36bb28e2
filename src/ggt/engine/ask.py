"""`ask`: the only door to anything costly. A question that was answered is never asked again."""

import asyncio
import hashlib
import json
import math
import os
import socket
import sqlite3
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from weakref import WeakValueDictionary

from ggt.engine.crashpoints import crashpoint
from ggt.engine.inbox import Inbox, Received
from ggt.engine.limits import Heard, Limits, Load
from ggt.engine.stop import Stop
from ggt.errors import StopRunError
from ggt.providers import (
    InDoubtError,
    InvalidRequestError,
    Pending,
    ProviderStopError,
    RateLimitedError,
    UnbilledError,
)
from ggt.store import calls
from ggt.store.database import Database

Parameter = str | int | float | Sequence[str]


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
class Service:
    """Who answers: `send(send_id)` submits once, `read(body)` turns a body into the JSON answer that the ledger keeps.

    `read` raises ValueError for a body that is no answer (undecodable, wrong size). Where `send` returns a `Pending`,
    the result is fetched by `poll(remote_id)`, which is free and returns None while there is none.
    """

    send: Callable[[str], Awaitable[Received | Pending]]
    read: Callable[[bytes], Awaitable[str]]
    worst_case_usd: float
    repeatable: bool
    load: Load = field(default_factory=Load)
    """What one send counts for in the provider's rates."""
    poll: Callable[[str], Awaitable[Received | None]] | None = None
    poll_interval_s: float = 1.5
    patience_s: float = 900.0
    """How long a result is polled for before the send is in doubt."""


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
        self, database: Database, inbox: Inbox, *, policy: Policy, limits: Limits, stop: Stop
    ) -> None:
        self._database = database
        self._inbox = inbox
        self._policy = policy
        self._limits = limits
        self._stop = stop
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self.num_sent: Counter[tuple[str, str]] = Counter()
        """Calls of lanes that were answered by sending, by stage and provider/model; further votes are not counted."""
        self._owner = f"{socket.gethostname()}:{os.getpid()}"

    async def ask(self, question: Question, service: Service, *, lane: int | None) -> Answered:
        """Answer from the ledger, or from the inbox after a crash, or by sending.

        Raises:
            InDoubtError: this or an earlier send left and nothing came back; it is not repeated.
            StopRunError: budget, provider or disk end the run; nothing is lost.
        """
        key = question.key()
        # Two lanes may ask the same question: the second waits and is answered from the ledger.
        alone = self._asking.setdefault(key, asyncio.Lock())
        async with alone:
            known = self._database.read(lambda c: calls.find_call(c, key))
            if known is not None and known.state != "open":  # it needs no turn: nothing is sent
                return _from_ledger(known)
            return await self._ask(key, question, service, lane=lane)

    async def _ask(
        self, key: str, question: Question, service: Service, *, lane: int | None
    ) -> Answered:
        num_unbilled = 0
        who = f"{question.provider}/{question.model}"
        while True:
            # The turn comes before the intent: what only waits in line is neither reserved nor ever in doubt.
            async with self._limits.turn(who, service.load):
                if self._stop.requested:
                    raise StopRunError("stopped before this was sent")
                taken = await self._database.write(
                    lambda c: self._take_up(c, key, question, service, lane=lane)
                )
                if isinstance(taken, calls.CallRow):
                    return _from_ledger(taken)
                crashpoint("after_intent")
                if self._inbox.has(taken.id):
                    received = self._left_by_a_crash(taken)
                else:
                    received = await self._paced(who, taken, service)
            if isinstance(received, UnbilledError):
                num_unbilled += 1
                await self._back_off(who, num_unbilled, received)
                continue
            answered = await self._conclude(taken, received, service)
            if answered is not None:
                if lane is not None and question.vote == 0:
                    self.num_sent[question.stage, who] += 1
                return answered

    def _take_up(
        self,
        connection: sqlite3.Connection,
        key: str,
        question: Question,
        service: Service,
        *,
        lane: int | None,
    ) -> calls.CallRow | calls.SendRow:
        """Find the finished call, or the send whose reply a crash left, or write the intent of a new one."""
        call = calls.find_call(connection, key)
        if call is not None and call.state != "open":
            return call
        sends = calls.sends_of(connection, key) if call else []
        if sends and calls.blocks(sends[-1]):
            at_provider = sends[-1].state == "submitted" and sends[-1].remote_id is not None
            if self._inbox.has(sends[-1].id) or (service.poll and at_provider):
                return sends[-1]
            raise InDoubtError(f"send {sends[-1].id!r} may have been billed and brought no answer")
        if call is None:
            calls.open_call(
                connection, key, lane=lane, model=question.model, question=question.text()
            )
        budget = self._policy.budget_usd
        return calls.begin_send(
            connection,
            key,
            repeatable=service.repeatable,
            reserve_micro=calls.micro(service.worst_case_usd),
            budget_micro=None if budget is None else calls.micro(budget),
            owner=self._owner,
        )

    def _left_by_a_crash(self, send: calls.SendRow) -> Received:
        received = self._inbox.read(send.id)
        if received is None:
            raise InDoubtError(f"the stored reply to send {send.id!r} can no longer be read")
        return received

    async def _back_off(self, who: str, num_unbilled: int, error: UnbilledError) -> None:
        if num_unbilled > self._policy.num_unbilled:
            raise StopRunError(
                f"the provider took nothing in {num_unbilled} tries ({error}): run again later"
            )
        delay = max(self._policy.first_delay_s * 2 ** (num_unbilled - 1), error.delay_s)
        self._limits.note_wait(who, delay)
        await self._stop.wait(delay)
        if self._stop.requested:
            raise StopRunError("stopped while waiting for the provider")

    async def _paced(
        self, who: str, send: calls.SendRow, service: Service
    ) -> Received | UnbilledError:
        """Submit, and tell the limits how it went."""
        try:
            received = await self._submit(send, service)
        except InDoubtError:
            self._limits.heard(who, "troubled")
            raise
        self._limits.heard(who, _heard(received), _delay_s(received))
        return received

    async def _submit(self, send: calls.SendRow, service: Service) -> Received | UnbilledError:
        """Send once, or go on polling; an UnbilledError comes back where that was free and may be done again."""
        try:
            received = await self._fetch(send, service)
        except UnbilledError as error:
            await self._release(send, error)
            return error
        except (ProviderStopError, InvalidRequestError) as error:
            await self._release(send, error)
            if isinstance(error, InvalidRequestError):
                raise
            raise StopRunError(f"the provider takes no more: {error}") from error
        except Exception as error:
            if service.repeatable:
                await self._release(send, error)  # ours and free
                raise
            if isinstance(error, StopRunError):
                raise  # it is still at the provider: the next run polls for it
            # Whatever else went wrong after the intent may have been billed.
            detail = f"{type(error).__name__}: {error}"
            await self._database.write(lambda c: calls.put_in_doubt(c, send, detail))
            raise InDoubtError(detail) from error
        crashpoint("after_reply")
        received = _sane(received, service.worst_case_usd)
        if not service.repeatable:
            await self._inbox.store(send.id, received)
        crashpoint("after_inbox")
        return received

    async def _fetch(self, send: calls.SendRow, service: Service) -> Received:
        """Submit, unless an earlier run did, and wait for the result."""
        remote_id = send.remote_id
        if remote_id is None:
            reply = await service.send(send.id)
            if isinstance(reply, Received):
                return reply
            remote_id = reply.remote_id
            await self._database.write(lambda c: calls.note_submitted(c, send.id, reply.remote_id))
            crashpoint("after_submitted")
        return await self._poll(remote_id, service)

    async def _poll(self, remote_id: str, service: Service) -> Received:
        """Ask for a result until it is there: free, so a poll that fails is simply made again.

        Raises:
            InDoubtError: the result is lost, or did not come within the service's patience.
            StopRunError: somebody asked to stop; the result stays at the provider.
        """
        assert service.poll is not None, "a service whose sends can be pending has a poll"
        delay_s, until = service.poll_interval_s, time.monotonic() + service.patience_s
        while time.monotonic() <= until:
            # A stop waits for it as for every reply under way: results are kept for minutes, and are paid.
            await asyncio.sleep(delay_s)
            delay_s = service.poll_interval_s
            try:
                received = await service.poll(remote_id)
            except UnbilledError as error:
                delay_s = max(delay_s, error.delay_s)
                continue
            except ProviderStopError as error:  # what was submitted stays submitted
                raise StopRunError(f"the provider answers no more: {error}") from error
            except InvalidRequestError as error:
                raise InDoubtError(f"the result is lost: {error}") from error
            if received is not None:
                return received
        raise InDoubtError(f"no result within {service.patience_s:.0f} s of polling")

    async def _release(self, send: calls.SendRow, error: Exception) -> None:
        detail = f"{type(error).__name__}: {error}"
        await self._database.write(lambda c: calls.release_unbilled(c, send, detail))

    async def _conclude(
        self, send: calls.SendRow, received: Received, service: Service
    ) -> Answered | None:
        """Settle a reply; None when the question shall be sent again."""
        answer, state, detail = await self._read(received, service)
        crashpoint("before_done")

        def finish(connection: sqlite3.Connection) -> bool:
            earlier = calls.sends_of(connection, send.call)
            num_unhappy = sum(s.state in ("refused", "no_image", "bad_output") for s in earlier)
            final = state == "done" or num_unhappy >= self._policy.num_resends
            cost = calls.micro(received.cost_usd)
            calls.settle(
                connection,
                send,
                state=state,
                cost_micro=cost,
                detail=detail,
                remote_id=received.request_id or None,
            )
            if cost > max(send.reserved_micro, send.cost_micro):
                calls.log(connection, "above_worst_case", send.id, f"{cost} micro-dollars")
            if final:
                outcome = "done" if state == "done" else "refused"
                calls.finish_call(
                    connection, send.call, state=outcome, answer=answer, version=received.version
                )
            return final

        # An answer is not waited for: until it is durable the inbox holds it, and what the caller writes comes after.
        settled = self._database.write_soon(finish)
        if not service.repeatable:
            settled.add_done_callback(
                lambda done: None if done.exception() else self._inbox.forget(send.id)
            )
        final = state == "done" or await asyncio.wrap_future(settled)
        crashpoint("after_done")
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


def _from_ledger(call: calls.CallRow) -> Answered:
    return Answered(call.key, call.answer, call.version or "", "from the ledger")


def _heard(received: Received | UnbilledError) -> Heard:
    """Say what a reply tells about the pace: our own rate, the provider's trouble, or that all is well."""
    if isinstance(received, Received):
        return "answered"
    if isinstance(received, RateLimitedError):
        return "limited" if received.scope == "minute" else "capacity"
    return "troubled"


def _delay_s(received: Received | UnbilledError) -> float:
    return received.delay_s if isinstance(received, UnbilledError) else 0.0


def _sane(received: Received, worst_case_usd: float) -> Received:
    """Take a cost that is no amount of money for the worst case, which the bill may hold; mend broken characters."""
    cost = received.cost_usd
    return replace(
        received,
        cost_usd=cost if math.isfinite(cost) and cost >= 0 else worst_case_usd,
        version=_storable(received.version),
        detail=_storable(received.detail),
    )


def _storable(text: str) -> str:
    """Replace halves of characters, which JSON can bring and no file or database takes."""
    return text.encode("utf-8", "replace").decode()
