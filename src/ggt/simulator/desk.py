"""The way of a request: counted, turned away or taken in, its fault and delay drawn, answered, billed."""

import asyncio
import hashlib
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypedDict, TypeVar

from starlette.datastructures import Headers

from ggt.errors import GgtError
from ggt.models import Usage
from ggt.simulator.behaviour import FAULTS, Behaviour, check_restorer, draw_fault, unit
from ggt.simulator.bill import Bill, Line, key_hash, now, price_usd
from ggt.simulator.making import answer
from ggt.simulator.pictures import Studio
from ggt.simulator.truths import Truths
from ggt.simulator.wire import (
    VERSION_PREFIX,
    Asked,
    BadRequestError,
    HttpReply,
    Made,
    Picture,
    Trouble,
    Wire,
    keep_picture,
    text_tokens,
)

T = TypeVar("T")

_log = logging.getLogger(__name__)

_READ_AT_ONCE = 8
"""Bodies in memory at once: a thousand requests may wait, their pictures in files or still in their sockets."""
_MINUTE_S = 60.0
_BAD_GATEWAY = (
    b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
)


@dataclass(frozen=True, slots=True)
class Setup:
    """What the simulator is started with; after `switch_after` requests it behaves as `switch_to` says."""

    behaviour: Behaviour
    seed: int = 0
    key: str = "simulated"
    truths: Truths | None = None
    switch_after: int | None = None
    switch_to: Behaviour | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request of which only the headers are known; `trouble` turns it away."""

    number: int
    wire: Wire
    behaviour: Behaviour
    since: float
    key_hash: str
    send: str
    trouble: Trouble | None
    files: list[Path] = field(default_factory=list[Path])
    """Pictures to remove once it is answered."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request comes to; `usage` is None when nothing is charged."""

    reply: HttpReply
    fault: str
    usage: Usage | None = None


Taken = Asked | BadRequestError | None
"""A request that was read: what it asks, why it cannot be answered, or None when it is turned away unread."""


class Arrivals(TypedDict):
    """What GET /simulator/requests answers."""

    total: int
    by_model: dict[str, int]
    under_way: int
    most_under_way: int


class Desk:
    """Counts and answers requests; one for each server, used from its event loop only."""

    def __init__(self, setup: Setup, bill: Bill, folder: Path) -> None:
        self.behaviour = setup.behaviour
        self.bill = bill
        self.setup = setup
        self.reading = asyncio.Semaphore(_READ_AT_ONCE)
        self._folder = folder
        self._first = bill.last_request
        self._total = 0
        self._by_model: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._under_way = self._most_under_way = 0
        self._taken: deque[float] = deque()
        # Separate threads, so that requests are read while restorers are busy.
        self._readers = ThreadPoolExecutor(2, "read")
        self._makers = ThreadPoolExecutor(os.cpu_count(), "make")

    def arrivals(self) -> Arrivals:
        """Say how many requests came since the start."""
        return {
            "total": self._total,
            "by_model": dict(sorted(self._by_model.items())),
            "under_way": self._under_way,
            "most_under_way": self._most_under_way,
        }

    def take_over(self, behaviour: Behaviour) -> None:
        """Behave otherwise from the next request on; a switch that was planned is off.

        Raises:
            UsageError: its restorer cannot be used here.
        """
        check_restorer(behaviour, has_truths=self.setup.truths is not None)
        self.behaviour = behaviour
        self.setup = replace(self.setup, switch_to=None)

    def arrive(self, wire: Wire, headers: Headers) -> Arrival:
        """Count a request and decide from its headers whether it is turned away."""
        self._total += 1
        setup, since = self.setup, time.monotonic()
        if setup.switch_to is not None and self._total == (setup.switch_after or 0) + 1:
            self.behaviour = setup.switch_to
        key = wire.key(headers)
        trouble = self._wrong_key(key) or self._too_many(since)
        self._under_way += 1
        self._most_under_way = max(self._most_under_way, self._under_way)
        return Arrival(
            number=self._first + self._total,
            wire=wire,
            behaviour=self.behaviour,
            since=since,
            key_hash=key_hash(key),
            send=headers.get("x-client-request-id", ""),
            trouble=trouble,
        )

    def leave(self, arrival: Arrival) -> None:
        """Forget a request that was answered or given up."""
        self._under_way -= 1
        for path in arrival.files:
            path.unlink(missing_ok=True)

    async def take_in(
        self, arrival: Arrival, read: Callable[[Callable[[bytes], Picture]], Asked]
    ) -> Asked | BadRequestError:
        """Read a body in a thread: `read(keep)` hands each picture to `keep`, which puts it into a file."""

        def keep(data: bytes) -> Picture:
            path = self._folder / f"{arrival.number}-{len(arrival.files)}"
            arrival.files.append(path)
            return keep_picture(data, path)

        try:
            return await _in_thread(self._readers, partial(read, keep))
        except BadRequestError as error:
            return error

    async def answer(self, arrival: Arrival, asked: Taken) -> Outcome:
        """Answer a request that was read."""
        if arrival.trouble is not None:
            return _error(arrival.wire, arrival.trouble)
        if isinstance(asked, BadRequestError):
            return _bad_request(arrival.wire, asked)
        assert asked is not None
        self._by_model[asked.model] += 1
        identity = asked.identity()
        times = self._seen[identity] = self._seen[identity] + 1
        drawn = partial(unit, self.setup.seed, identity, times)
        fault = draw_fault(arrival.behaviour, asked, drawn("fault")) or ""
        shortest, longest = arrival.behaviour.delay_s
        wait_s = arrival.since + shortest + (longest - shortest) * drawn("delay")
        await asyncio.sleep(max(0.0, wait_s - time.monotonic()))
        if fault and not FAULTS[fault].billed:
            return self._unbilled(arrival, asked, fault)
        reply_id = hashlib.sha256(f"{identity} {times}".encode()).hexdigest()[:24]
        return await self._work(arrival, asked, fault, reply_id)

    def charge(
        self, arrival: Arrival, outcome: Outcome, taken: Taken, *, input_sha: str, model: str
    ) -> None:
        """Write the bill's line for an outcome; `model` is what the address names."""
        asked = taken if isinstance(taken, Asked) else None
        usd = price_usd(asked, outcome.usage) if asked and outcome.usage else 0.0
        line = Line(
            at=now(),
            wire=arrival.wire.name,
            model=asked.model if asked else model,
            request=arrival.number,
            key_hash=arrival.key_hash,
            usd=usd,
            status=outcome.reply.status,
            fault=outcome.fault,
            input_sha=input_sha,
            send=arrival.send,
        )
        self.bill.add(line)

    def close(self) -> None:
        """Stop the threads; what they are at is finished first."""
        self._readers.shutdown(cancel_futures=True)
        self._makers.shutdown(cancel_futures=True)

    def _wrong_key(self, key: str | None) -> Trouble | None:
        if key is None:
            return Trouble("key_missing")
        return None if key == self.setup.key else Trouble("key_invalid")

    def _too_many(self, at: float) -> Trouble | None:
        behaviour = self.behaviour
        if behaviour.most_under_way is not None and self._under_way >= behaviour.most_under_way:
            return Trouble(
                "rate_limit_minute",
                delay_s=behaviour.retry_after_s,
                message="Too many requests are under way at once.",
            )
        while self._taken and self._taken[0] <= at - _MINUTE_S:
            self._taken.popleft()
        if (
            behaviour.requests_per_minute is not None
            and len(self._taken) >= behaviour.requests_per_minute
        ):
            return Trouble("rate_limit_minute", delay_s=self._taken[0] + _MINUTE_S - at)
        self._taken.append(at)
        return None

    def _unbilled(self, arrival: Arrival, asked: Asked, fault: str) -> Outcome:
        if fault == "connection_reset":
            return Outcome(HttpReply(0, b""), fault)
        delay_s = arrival.behaviour.retry_after_s
        return _error(arrival.wire, Trouble(fault, model=asked.model, delay_s=delay_s))

    async def _work(self, arrival: Arrival, asked: Asked, fault: str, reply_id: str) -> Outcome:
        """Make an answer, or the refusal of one: from here on everything is charged."""
        release = arrival.behaviour.release
        made = Made(
            body=b"",
            mime_type="",
            usage=Usage(asked.input_tokens(), arrival.wire.thought_tokens(asked)),
            version=f"{VERSION_PREFIX}{asked.model}{'-' if release else ''}{release}",
            reply_id=reply_id,
            prompt_tokens=text_tokens(asked.prompt),
        )
        wire = arrival.wire
        if fault and FAULTS[fault].step == "refusal":
            return Outcome(wire.refusal(asked, fault, made), fault, made.usage)
        studio = Studio(arrival.behaviour, self.setup.truths, self.setup.seed)
        try:
            job = partial(answer, asked, made, studio, wire, fault)
            reply, usage = await _in_thread(self._makers, job)
        except BadRequestError as error:
            return _bad_request(wire, error)
        except GgtError as error:
            _log.warning("request %d: %s", arrival.number, error)
            return _error(wire, Trouble("server_error", model=asked.model, message=str(error)))
        if fault == "bare_server_error":
            reply = HttpReply(502, _BAD_GATEWAY, media_type="text/html")
        return Outcome(reply, fault, usage)


def _error(wire: Wire, trouble: Trouble) -> Outcome:
    return Outcome(wire.error(trouble), trouble.name)


def _bad_request(wire: Wire, error: BadRequestError) -> Outcome:
    return _error(wire, Trouble("bad_request", message=str(error), parameter=error.parameter))


async def _in_thread(threads: ThreadPoolExecutor, job: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, job)
