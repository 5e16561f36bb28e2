"""The loop: everything is processed once, never more at a time than allowed, and a failure is one sample's own."""

import asyncio
import os
import time
import tracemalloc

from ggt.engine.scheduler import Work, drain
from ggt.engine.stop import Stop
from ggt.errors import StopRunError


def work_over(total, process, *, under_way=8):
    state = {"next": 0, "failed": []}

    async def claim(limit):
        first = state["next"]
        state["next"] = min(total, first + limit)
        return list(range(first, state["next"]))

    async def fail(item, error):
        state["failed"].append((item, str(error)))

    return Work(claim=claim, process=process, fail=fail, num_under_way=under_way), state


def run(work, stop=None):
    async def go():
        return await drain(work, stop or Stop())

    return asyncio.run(go())


def test_each_id_is_processed_once_and_never_too_many_at_a_time():
    seen, now, most = [], 0, 0

    async def process(item):
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        seen.append(item)
        now -= 1

    work, _ = work_over(100, process, under_way=8)
    tally = run(work)
    assert sorted(seen) == list(range(100))
    assert most == 8
    assert (tally.num_done, tally.num_failed) == (100, 0)


def test_an_error_fails_its_own_id_and_the_rest_goes_on():
    async def process(item):
        if item % 10 == 3:
            raise RuntimeError(f"item {item}")

    work, state = work_over(30, process)
    tally = run(work)
    assert (tally.num_done, tally.num_failed) == (27, 3)
    assert sorted(state["failed"]) == [(3, "item 3"), (13, "item 13"), (23, "item 23")]


def test_a_stop_lets_what_is_under_way_finish_and_takes_nothing_new():
    started, ended = [], []

    async def process(item):
        started.append(item)
        if item == 5:
            raise StopRunError("budget")
        await asyncio.sleep(0.01)
        ended.append(item)

    async def go():
        stop = Stop()
        work, _ = work_over(1000, process, under_way=8)
        await drain(work, stop)
        return stop

    stop = asyncio.run(go())
    assert str(stop.reason) == "budget"
    assert set(ended) == set(started) - {5}
    assert len(started) <= 17


def test_a_claim_that_fails_still_waits_for_what_is_under_way():
    ended = []

    async def claim(limit):
        if ended or claim.called:
            raise StopRunError("the disk is full")
        claim.called = True
        return list(range(4))

    claim.called = False

    async def process(item):
        await asyncio.sleep(0.01 * item)
        ended.append(item)

    async def fail(item, error):
        raise AssertionError(item, error)

    async def go():
        stop = Stop()
        await drain(Work(claim=claim, process=process, fail=fail, num_under_way=4), stop)
        return stop

    stop = asyncio.run(go())
    assert str(stop.reason) == "the disk is full"
    assert sorted(ended) == [0, 1, 2, 3]


def test_what_becomes_ready_while_the_last_one_ends_is_still_claimed():
    ready, seen = [1], []

    async def claim(limit):
        taken = ready[:limit]
        del ready[:limit]
        return taken

    async def process(item):
        await asyncio.sleep(0.001)
        seen.append(item)
        if item < 5:
            ready.append(item + 1)

    async def fail(item, error):
        raise AssertionError(item, error)

    run(Work(claim=claim, process=process, fail=fail, num_under_way=4))
    assert seen == [1, 2, 3, 4, 5]


def test_memory_does_not_grow_with_the_number_of_ids():
    def peak(total):
        async def process(item):
            await asyncio.sleep(0)

        work, _ = work_over(total, process, under_way=64)
        tracemalloc.start()
        run(work)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(500)
    assert peak(10_000) < peak(1_000) * 1.5 + 50_000


def test_the_loop_itself_costs_little_beside_plain_asyncio():
    async def process(item):
        await asyncio.sleep(0.005)

    async def plain():
        slots = asyncio.Semaphore(64)

        async def one():
            async with slots:
                await asyncio.sleep(0.005)

        await asyncio.gather(*(one() for _ in range(2000)))

    ratios = []
    for _ in range(3):
        began = time.perf_counter()
        asyncio.run(plain())
        middle = time.perf_counter()
        work, _ = work_over(2000, process, under_way=64)
        run(work)
        ratios.append((middle - began) / (time.perf_counter() - middle))
    assert sorted(ratios)[1] > 0.4, (ratios, os.getloadavg())
