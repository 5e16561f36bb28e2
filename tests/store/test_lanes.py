"""Lanes: what they made is kept, whatever the recipe names now."""

from pathlib import Path

import pytest

from ggt.store import calls, lanes, photos, schema
from ggt.store.lanes import AttemptRow

NAME = ("classical", "fixed", 0)
OTHER = ("simulated", "fixed", 0)


@pytest.fixture
def ledger():
    """A ledger with one photo, its lq and its lane."""
    connection = schema.open_for_writing(Path(":memory:"))
    photos.add_photos(connection, [("a.jpg", "{}")])
    (lq,) = photos.photo_ingested(connection, 1, [photos.NewLq("hash", "rain", 0.5, "group", "{}")])
    lanes.open_lanes(connection, lq, [NAME])
    yield connection
    connection.close()


def test_an_attempt_is_read_back_as_it_was_written(ledger):
    calls.open_call(ledger, "key", lane=1, model="m", question="{}")
    written = AttemptRow(1, "key", "{p}", "blob", "hash", "{n}", "rejected", "judge", "{a}")
    lane = lanes.get_lane(ledger, 1)
    lanes.record_attempt(ledger, lane, written)
    assert lanes.attempts_of(ledger, lane) == [written]


def test_a_lane_that_failed_stays_failed_with_its_reason_while_the_recipe_leaves_it_out(ledger):
    lanes.set_state(ledger, 1, "failed", "RuntimeError: boom")
    lanes.close_other_lanes(ledger, [OTHER])
    assert lanes.lanes_of(ledger, 1) == []
    lanes.retry_failed(ledger)
    assert lanes.claim(ledger, "engine", 10) == []
    lanes.open_everywhere(ledger, [NAME])
    (lane,) = lanes.lanes_of(ledger, 1)
    assert (lane.state, lane.detail) == ("failed", "RuntimeError: boom")
    assert lanes.retry_failed(ledger) == 1
    assert lanes.claim(ledger, "engine", 10) == [1]


def test_a_closed_lane_is_neither_claimed_nor_counted_and_goes_on_where_it_was(ledger):
    lanes.close_other_lanes(ledger, [OTHER])
    assert lanes.claim(ledger, "engine", 10) == []
    assert lanes.count_by_state(ledger) == {}
    lanes.open_everywhere(ledger, [NAME])
    assert lanes.count_by_state(ledger) == {"ready": 1}
