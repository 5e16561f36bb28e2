"""Handing results from a writer's thread to those who wait for them: one wake-up of their loop for a whole batch."""

import asyncio
import contextlib
from collections.abc import Iterable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def hand_over(outcomes: "Iterable[tuple[asyncio.Future[T] | Future[T], T | Exception]]") -> None:
    """Answer futures, those of an event loop all at once: waking a loop costs more than setting fifty futures."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[T], T | Exception]]] = {}
    for future, outcome in outcomes:
        if isinstance(future, asyncio.Future):
            by_loop.setdefault(future.get_loop(), []).append((future, outcome))
        else:
            _answer([(future, outcome)])
    for loop, some in by_loop.items():
        with contextlib.suppress(RuntimeError):  # a closed loop: nobody waits there any more
            loop.call_soon_threadsafe(_answer, some)


def _answer(outcomes: "Iterable[tuple[asyncio.Future[T] | Future[T], T | Exception]]") -> None:
    for future, outcome in outcomes:
        if future.cancelled():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)
