"""Handing results over: everybody gets theirs, whoever is gone is passed over."""

import asyncio
from concurrent.futures import Future

import pytest

from ggt.store.handover import hand_over


def test_those_who_wait_in_a_loop_and_outside_get_a_result_or_an_error():
    async def go():
        loop = asyncio.get_running_loop()
        outside: Future[int] = Future()
        good, bad, gone = loop.create_future(), loop.create_future(), loop.create_future()
        gone.cancel()
        outcomes = [(gone, 1), (good, 2), (bad, ValueError("on purpose")), (outside, 4)]
        await asyncio.to_thread(hand_over, outcomes)
        assert await good == 2
        assert outside.result() == 4
        with pytest.raises(ValueError, match="on purpose"):
            await bad

    asyncio.run(go())


def test_a_loop_that_was_closed_keeps_nobody_else_from_their_result():
    closed = asyncio.new_event_loop()
    nobody = closed.create_future()
    closed.close()

    async def go():
        waiting = asyncio.get_running_loop().create_future()
        await asyncio.to_thread(hand_over, [(nobody, 1), (waiting, 2)])
        return await waiting

    assert asyncio.run(go()) == 2
