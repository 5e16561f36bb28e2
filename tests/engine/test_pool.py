"""Processes for pixels: results come back, deaths are survived, orphans end."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ggt.engine.pool import Pool
from ggt.engine.stop import Stop
from ggt.errors import GgtError, StopRunError


def in_pool(job, *args, stop=None):
    async def go():
        pool = Pool(stop or Stop(), 1)
        try:
            return await pool.run(job, *args)
        finally:
            pool.close()

    return asyncio.run(go())


def die_once(marker):
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


def die(_):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_job_comes_back_with_its_result():
    assert in_pool(sum, [1, 2, 3]) == 6


def test_a_death_is_survived_once(tmp_path):
    assert in_pool(die_once, tmp_path / "died") == "survived"


def test_a_job_that_always_dies_fails_with_a_remedy():
    with pytest.raises(GgtError, match="fewer processes"):
        in_pool(die, None)


def slow(number):
    time.sleep(0.2)
    return number


def test_a_job_that_kills_its_process_fails_alone():
    async def go():
        pool = Pool(Stop(), 2)
        try:
            return await asyncio.gather(
                pool.run(die, None), *(pool.run(slow, n) for n in range(3)), return_exceptions=True
            )
        finally:
            pool.close()

    dead, *others = asyncio.run(go())
    assert isinstance(dead, GgtError)
    assert others == [0, 1, 2]


class StubbornError(Exception):
    def __init__(self, code, text):
        super().__init__(f"{code} {text}")


def raise_stubborn(_):
    raise StubbornError(7, "cannot be pickled back")


def test_an_error_that_cannot_travel_is_told_in_words():
    with pytest.raises(GgtError, match="StubbornError: 7 cannot be pickled back"):
        in_pool(raise_stubborn, None)


def test_after_a_stop_no_job_is_started():
    async def go():
        stop = Stop()
        stop.request(StopRunError("enough"))
        pool = Pool(stop, 1)
        try:
            await pool.run(sum, [1])
        finally:
            pool.close()

    with pytest.raises(StopRunError, match="before this job"):
        asyncio.run(go())


def test_workers_end_when_their_parent_is_killed(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, os, sys\n"
        "from ggt.engine.pool import Pool\nfrom ggt.engine.stop import Stop\n"
        "async def go():\n"
        "    pool = Pool(Stop(), 1)\n"
        "    print(await pool.run(os.getpid), flush=True)\n"
        "    await asyncio.sleep(60)\n"
        "if __name__ == '__main__':\n    asyncio.run(go())\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 20
    while _alive(worker) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not _alive(worker)


def _alive(process):
    try:
        with Path(f"/proc/{process}/stat").open() as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
