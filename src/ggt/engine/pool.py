"""Processes for pixels: jobs are picklable functions from blob references to small records."""

import asyncio
import functools
import multiprocessing
import os
import pickle
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
        self._alone = asyncio.Lock()
        self._executor = self._start(self.num_processes)

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
            executor = self._executor
            try:
                return await _run_in(executor, functools.partial(job, *args, **kwargs))
            except BrokenProcessPool:
                self._replace(executor)
        # One of several jobs killed its process, and all of them broke: each is tried once more by itself.
        async with self._alone:
            solo = self._start(1)
            try:
                return await _run_in(solo, functools.partial(job, *args, **kwargs))
            except BrokenProcessPool:
                raise GgtError(
                    f"the process died twice in {job.__name__}: not enough memory? "
                    "Try fewer processes (--processes) or exclude this photo"
                ) from None
            finally:
                solo.shutdown(wait=False)

    def close(self) -> None:
        """End the processes; jobs under way are finished first."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _start(self, num_processes: int) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            num_processes,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_prepare,
            initargs=(os.getpid(),),
        )

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        if self._executor is broken:  # several jobs notice the same death
            broken.shutdown(wait=False)
            self._executor = self._start(self.num_processes)


def _run_in(executor: ProcessPoolExecutor, job: Callable[[], T]) -> asyncio.Future[T]:
    # Workers inherit the mask, so Ctrl-C never reaches them, not even while they start: the parent decides.
    blocked = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
    try:
        return asyncio.get_running_loop().run_in_executor(executor, _safely, job)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _safely(job: Callable[[], T]) -> T:
    """Run a job so that its error reaches the parent: one that cannot be pickled would break the whole pool."""
    try:
        return job()
    except Exception as error:
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:  # noqa: BLE001  # anything may be wrong with a stranger's exception
            raise GgtError(f"{type(error).__name__}: {error}") from None
        raise


def _prepare(parent: int) -> None:
    """Make a worker quiet: one thread, and gone when the parent is."""
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    import cv2

    cv2.setNumThreads(1)


def _end_with(parent: int) -> None:
    # After kill -9 nobody closes the queue, so a worker would wait for ever.
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
