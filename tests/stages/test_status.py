"""Status counts what the pairs and the rejected candidates come to, without reading all that was measured."""

import time

import pytest

from fake_workspace import fill
from ggt.stages.outcomes import pairs, rejected
from ggt.stages.status import read_status
from ggt.store.workspace import open_readonly


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
