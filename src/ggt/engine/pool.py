"""Processes for pixels: jobs are picklable functions from blob references to small records."""

import asyncio
import functools
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import ParamSpec, TypeVar

from ggt.engine.stop import Stop
from ggt.errors import GgtError, StopRunError

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """A bounded pool: at most two jobs a process are handed over, the rest wait here as ids, not as pixels."""

    def __init__(self, stop: Stop, num_processes: int | None = None) -> None:
        self._stop = stop
        self.num_processes = num_processes or os.cpu_count() or 1
        self._slots = asyncio.Semaphore(2 * self.num_processes)
        self._executor = self._start()

    async def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run a job in a process and return its result.

        Raises:
            StopRunError: somebody asked to stop before the job was started.
            GgtError: the process died twice under this job (out of memory, a crash in a library).
            Exception: whatever the job raised.
        """
        async with self._slots:
            if self._stop.requested:
                raise StopRunError("stopped before this job was started")
            for _ in range(2):
                executor = self._executor
                loop = asyncio.get_running_loop()
                try:
                    return await loop.run_in_executor(
                        executor, functools.partial(job, *args, **kwargs)
                    )
                except BrokenProcessPool:
                    self._replace(executor)
            raise GgtError(
                f"the process died twice in {job.__name__}: not enough memory? "
                "Try fewer processes (--processes) or exclude this photo"
            )

    def close(self) -> None:
        """End the processes; jobs under way are finished first."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _start(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self.num_processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(os.getpid(),),
        )

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        if self._executor is broken:  # several jobs notice the same death
            broken.shutdown(wait=False)
            self._executor = self._start()


def _prepare(parent: int) -> None:
    """Make a worker quiet: one thread, deaf to Ctrl-C (the parent decides), gone when the parent is."""
    import cv2

    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    # After kill -9 nobody closes the queue, so a worker would wait for ever.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
