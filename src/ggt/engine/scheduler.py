"""The loop: claim ids, keep a bounded number under way, record what fails, go on."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from ggt.engine.crashpoints import crashpoint
from ggt.engine.stop import Stop
from ggt.errors import StopRunError


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
    while True:
        if not waiting and not exhausted and not stop.requested:
            waiting.extend(await work.claim(work.num_under_way))
            exhausted = not waiting
            if waiting:
                crashpoint("after_claim")
        while waiting and len(running) < work.num_under_way and not stop.requested:
            running.add(asyncio.create_task(_one(work, waiting.popleft(), stop, tally)))
        if not running:
            if exhausted or stop.requested:
                return tally
            continue
        done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        exhausted = False  # what has just ended may have made something ready
        for task in done:
            task.result()
        on_done(len(done))


async def _one(work: Work, item: int, stop: Stop, tally: Tally) -> None:
    try:
        await work.process(item)
        tally.num_done += 1
    except StopRunError as reason:
        stop.request(reason)
    except Exception as error:  # noqa: BLE001  # recorded on its sample; everything else goes on
        tally.num_failed += 1
        try:
            await work.fail(item, error)
        except StopRunError as reason:
            stop.request(reason)
