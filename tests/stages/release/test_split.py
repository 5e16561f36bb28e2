from collections import Counter

import pytest

from ggt.errors import GgtError, UsageError
from ggt.stages.release.entries import enter
from ggt.stages.release.split import divide, dump_members, read_members
from synthetic_pairs import Blobs, make_pair

BLOBS = Blobs()


def some_pairs(count, *, start=0, **changes):
    return [an_entry(number, **changes) for number in range(start, start + count)]


def an_entry(number, **changes):
    (entry,) = enter([make_pair(number, BLOBS, **changes)])
    return entry


def ids(pairs):
    return {pair.id for pair in pairs}


def assert_no_scene_on_both_sides(pairs, division):
    groups = {pair.id: pair.group for pair in pairs}
    assert not {groups[i] for i in division.train} & {groups[i] for i in division.test}
    assert division.train | division.test | division.withheld == ids(pairs)
    assert len(division.train) + len(division.test) + len(division.withheld) == len(pairs)


def test_the_choice_depends_on_the_pairs_and_not_on_their_order():
    pairs = some_pairs(20)
    assert divide(pairs, num_test=5) == divide(pairs[::-1], num_test=5)
    assert len(divide(pairs, num_test=5).test) == 5


@pytest.mark.parametrize("balance", [False, True])
def test_no_scene_lies_on_both_sides(balance):
    pairs = [an_entry(n, group=f"scene {n % 7}", severity=n / 30) for n in range(30)]
    division = divide(pairs, num_test=9, balance=balance)
    assert_no_scene_on_both_sides(pairs, division)
    assert 4 < len(division.test) <= 9


def test_balance_takes_as_many_of_a_rare_category_and_of_each_severity():
    many = [an_entry(n, category="rain", severity=(n % 3) / 3 + 0.1) for n in range(30)]
    few = some_pairs(4, start=30, category="old", severity=0.9)
    test = divide(many + few, num_test=8, balance=True).test
    chosen = [pair for pair in many + few if pair.id in test]
    assert Counter(pair.category for pair in chosen) == {"rain": 4, "old": 4}
    severities = Counter(p.severity for p in chosen if p.category == "rain")
    assert sorted(severities.values()) == [1, 1, 2]


def test_balance_prefers_many_scenes_to_one_large_one():
    burst = some_pairs(6, group="burst")
    singles = some_pairs(6, start=6)
    assert divide(burst + singles, num_test=6, balance=True).test == ids(singles)


def test_earlier_test_pairs_stay_as_the_dataset_grows_and_new_ones_fill_up():
    first = some_pairs(10)
    earlier = divide(first, num_test=3).test
    grown = first + some_pairs(30, start=10)
    assert divide(grown, num_test=3, frozen=earlier).test == earlier
    larger = divide(grown, num_test=8, frozen=earlier).test
    assert earlier < larger
    assert len(larger) == 8


def test_a_later_photo_of_a_test_scene_is_withheld_from_training():
    first = some_pairs(6)
    earlier = divide(first, num_test=2).test
    scene = next(pair.group for pair in first if pair.id in earlier)
    grown = [*first, an_entry(99, group=scene)]
    division = divide(grown, num_test=2, frozen=earlier)
    assert division.test == earlier
    assert division.withheld == {grown[-1].id}
    assert_no_scene_on_both_sides(grown, division)


def test_frozen_pairs_stay_in_the_test_split_when_none_is_asked_for():
    pairs = some_pairs(5)
    assert divide(pairs, num_test=0, frozen=[pairs[1].id, "gone"]).test == {pairs[1].id}


def test_a_test_split_that_leaves_nothing_to_train_on_is_refused():
    with pytest.raises(UsageError, match="--test 5 of 5 pairs leaves none"):
        divide(some_pairs(5), num_test=5)


def test_membership_survives_a_round_trip_and_damage_is_not_silent(tmp_path):
    path = tmp_path / "test_members.json"
    assert read_members(path) == []
    path.write_bytes(dump_members({"b", "a"}))
    assert read_members(path) == ["a", "b"]
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(GgtError, match="restore it from a copy"):
        read_members(path)
