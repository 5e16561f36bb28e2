"""Status counts what the pairs and the rejected candidates come to, without reading all that was measured."""

import time

import pytest

from fake_workspace import fill
from ggt.stages.build import tell_wait
from ggt.stages.outcomes import pairs, rejected
from ggt.stages.status import read_status
from ggt.store.database import Database
from ggt.store.workspace import hold, open_readonly


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("filled") / "ws", 800, num_rejected=200)


def test_the_counts_are_those_of_the_pairs_and_of_the_rejected_candidates(workspace):
    status = read_status(workspace)
    with open_readonly(workspace) as reading:
        assert status.count("pair") == len(list(pairs(reading))) == 800
        assert status.fates["judge", "hue"] == len(list(rejected(reading))) == 200
        ids = [pair.id for pair in pairs(reading)]
        assert ids == sorted(ids)
        assert [pair.id for pair in pairs(reading, {ids[3], ids[7]})] == [ids[3], ids[7]]


def test_status_costs_far_less_than_gathering_every_pair_does(workspace):
    read_status(workspace)  # imports what is imported late
    began = time.process_time()
    read_status(workspace)
    middle = time.process_time()
    with open_readonly(workspace) as reading:
        assert sum(1 for _ in pairs(reading)) == 800
    assert middle - began < 0.5 * (time.process_time() - middle)


def test_a_running_build_says_for_whom_it_waits_and_until_when(tmp_path):
    shown = []
    with hold(tmp_path / "ws") as layout:
        database = Database(layout.ledger)
        tell = tell_wait(database, lambda what, done, total: shown.append(what))
        until = time.time() + 86_400
        tell("paid/paid-1", until)
        tell("paid/paid-2", time.time() - 1)
        database.close()
        status = read_status(tmp_path / "ws")
        assert status.waits == (("paid/paid-1", pytest.approx(until)),)
    assert read_status(tmp_path / "ws").waits == ()
    clock = time.strftime("%Y-%m-%d %H:%M", time.localtime(until))
    assert shown[0] == f"paid/paid-1 asked to wait until {clock}"
