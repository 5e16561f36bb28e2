"""Ending a run early: the first Ctrl-C lets what is under way finish, whatever goes wrong names its reason."""

import asyncio
import signal
from collections.abc import Generator
from contextlib import contextmanager

from ggt.errors import StopRunError


class Stop:
    """Whether the run shall end, and why; shared by everything that runs."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self.reason: StopRunError | None = None

    def request(self, reason: StopRunError) -> None:
        """Take nothing new from here on; the first reason is kept."""
        self.reason = self.reason or reason
        self._event.set()

    @property
    def requested(self) -> bool:
        """True once anybody asked."""
        return self._event.is_set()

    async def wait(self, seconds: float) -> None:
        """Sleep, but no longer than until somebody asks to stop."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout=seconds)
        except TimeoutError:
            return


@contextmanager
def stop_on_interrupt(stop: Stop) -> Generator[None]:
    """While inside, Ctrl-C and SIGTERM ask to stop; a second one ends the process at once, as kill -9 would."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    interrupted = False

    def on_signal(number: int) -> None:
        nonlocal interrupted
        if interrupted:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        interrupted = True
        stop.request(
            StopRunError("interrupted: what was under way was finished; run again to go on")
        )

    for number in signals:
        loop.add_signal_handler(number, on_signal, number)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
