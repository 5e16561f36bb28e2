"""The loop: claim ids, keep a bounded number under way, record what fails, go on."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ggt.engine.crashpoints import crashpoint
from ggt.engine.stop import Stop
from ggt.errors import StopRunError

_CLAIM_AHEAD = 4
"""A claim takes this many times what may be under way: slots that become free while it runs stay empty."""


@dataclass(frozen=True, slots=True)
class Work:
    """A stage as the scheduler sees it: ids in, everything else through the ledger.

    `claim(n)` takes up to n ids, none when nothing is left; `process(id)` does the work and records its result;
    `fail(id, error)` records that it could not.
    """

    claim: Callable[[int], Awaitable[list[int]]]
    process: Callable[[int], Awaitable[None]]
    fail: Callable[[int, Exception], Awaitable[None]]
    num_under_way: int


@dataclass(slots=True)
class Tally:
    """How many ids were processed and how many failed."""

    num_done: int = 0
    num_failed: int = 0


async def drain(
    work: Work, stop: Stop, *, on_done: Callable[[int], None] = lambda _: None
) -> Tally:
    """Process until nothing can be claimed and nothing is under way, or until somebody asks to stop.

    An error fails its id alone; a StopRunError ends the run after what is under way.
    """
    tally = Tally()
    waiting: deque[int] = deque()
    running: set[asyncio.Task[None]] = set()
    exhausted = False
    try:
        while not (stop.requested or exhausted) or running:
            if not waiting and not exhausted and not stop.requested:
                waiting.extend(await _claim(work, stop))
                exhausted = not waiting
            while waiting and len(running) < work.num_under_way and not stop.requested:
                running.add(asyncio.create_task(_one(work, waiting.popleft(), stop, tally)))
            if running:
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                exhausted = False  # what has just ended may have made something ready
                on_done(len(done))
    finally:
        # Whatever ends the loop, a reply that is under way is waited for: it may be paid.
        await asyncio.gather(*running, return_exceptions=True)
    return tally


async def _claim(work: Work, stop: Stop) -> list[int]:
    try:
        claimed = await work.claim(_CLAIM_AHEAD * work.num_under_way)
    except StopRunError as reason:
        stop.request(reason)
        return []
    if claimed:
        crashpoint("after_claim")
    return claimed


async def _one(work: Work, item: int, stop: Stop, tally: Tally) -> None:
    try:
        await work.process(item)
        tally.num_done += 1
    except StopRunError as reason:
        stop.request(reason)
    except Exception as error:  # noqa: BLE001  # recorded on its sample; everything else goes on
        tally.num_failed += 1
        await _fail(work, item, error, stop)


async def _fail(work: Work, item: int, error: Exception, stop: Stop) -> None:
    try:
        await work.fail(item, error)
    except StopRunError as reason:
        stop.request(reason)
    except Exception as second:  # noqa: BLE001  # a failure that cannot be recorded ends the run, with both told
        stop.request(StopRunError(f"{error!r} could not be recorded: {second!r}"))
