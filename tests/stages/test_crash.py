"""kill -9 at named points and at random: nothing is paid twice, every doubt is listed, the end is the same."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from benchmarks import crash

NUM_SEEDS = 10


@pytest.fixture(scope="module")
def cases(tmp_path_factory) -> list[crash.Case]:
    """Ten seeds of the bench; two at a time, since each mostly waits for its processes to start."""
    folder: Path = tmp_path_factory.mktemp("crash")
    expected = crash.uninterrupted(folder)
    with ThreadPoolExecutor(2) as threads:
        return list(
            threads.map(lambda seed: crash.try_seed(folder, seed, expected), range(NUM_SEEDS))
        )


def test_no_promise_is_broken_whenever_a_build_is_killed(cases):
    assert [(case.seed, case.kills, case.problems) for case in cases if case.problems] == []


def test_the_builds_were_killed_and_left_doubts(cases):
    assert sum("ended before" not in kill for case in cases for kill in case.kills) >= NUM_SEEDS
    assert sum(case.num_in_doubt for case in cases) >= 3
