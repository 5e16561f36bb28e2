"""The audit: a bound only where everything that the lot drew was looked at."""

import json

import pytest

from fake_workspace import fill
from ggt.stages.audit import LEAST, Audit, audit, to_audit, upper_bound
from ggt.stages.review import export_audit, import_decisions
from ggt.store.workspace import open_readonly

NUM_PAIRS = 80


@pytest.fixture
def workspace(tmp_path):
    return fill(tmp_path / "ws", NUM_PAIRS, num_rejected=5)


def counted(workspace):
    with open_readonly(workspace) as reading:
        return audit(reading)


def decide(workspace, lines, choice="accept"):
    file = workspace / "filled.jsonl"
    filled = [line | {"choice": choice, "reviewer": "ann"} for line in lines]
    file.write_text("".join(json.dumps(line) + "\n" for line in filled))
    import_decisions(workspace, file)


def drawn(workspace, count):
    return [json.loads(line) for line in export_audit(workspace, count).splitlines()]


def test_the_bound_is_that_of_clopper_and_pearson():
    """With no bad pair it has a closed form; the other value is from the F-distribution form of the bound."""
    assert upper_bound(Audit(500, 0, 900)) == pytest.approx(1 - 0.05 ** (1 / 500))
    assert upper_bound(Audit(100, 3, 900)) == pytest.approx(0.0757, abs=5e-4)
    assert upper_bound(Audit(3, 3, 900)) == 1.0


def test_what_the_lot_drew_is_counted_once_all_of_it_is_decided(workspace):
    assert counted(workspace) is None
    lines = drawn(workspace, 40)
    assert len(lines) == 40
    decide(workspace, lines[:3], "reject")
    decide(workspace, lines[3:5], "regenerate")
    assert counted(workspace) is None
    decide(workspace, lines[5:39])
    assert counted(workspace) == Audit(39, 5, NUM_PAIRS)
    decide(workspace, lines[39:])
    assert counted(workspace) == Audit(40, 5, NUM_PAIRS)
    assert drawn(workspace, 40) == []
    assert len(drawn(workspace, 50)) == 10


def test_looking_in_another_order_is_no_sample(workspace):
    lines = drawn(workspace, NUM_PAIRS)
    decide(workspace, lines[1:])
    assert counted(workspace) is None
    decide(workspace, lines[:1])
    assert counted(workspace) == Audit(NUM_PAIRS, 0, NUM_PAIRS)


def test_a_sample_that_is_too_small_is_not_spoken_of(workspace):
    decide(workspace, drawn(workspace, LEAST - 1))
    assert counted(workspace) is None
    decide(workspace, drawn(workspace, LEAST))
    assert counted(workspace) == Audit(LEAST, 0, NUM_PAIRS)


def test_the_lot_is_the_same_each_time_and_unlike_any_other_order(workspace):
    with open_readonly(workspace) as reading:
        first = [row.lq for row in to_audit(reading, 20)]
        assert first == [row.lq for row in to_audit(reading, 80)][:20]
    assert first != sorted(first)
