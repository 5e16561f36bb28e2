"""Spending: every cent of the ledger is told, by what it was for."""

import json

import pytest

from ggt.errors import UsageError
from ggt.stages.release.terms import check_terms, terms_of
from ggt.stages.resolve import resolve
from ggt.stages.spending import spending
from ggt.store import calls, lanes, photos
from ggt.store.costs import costs, each_send
from ggt.store.database import Database
from ggt.store.workspace import hold, open_readonly


@pytest.fixture
def workspace(tmp_path):
    """One lq in one lane: a prompt, a rejected attempt, a send in doubt, a canary."""
    with hold(tmp_path / "ws") as layout:
        database = Database(layout.ledger)

        def fill(connection):
            photos.add_photos(connection, [("a.jpg", '{"path": "a.jpg"}')])
            (lq,) = photos.photo_ingested(
                connection, 1, [photos.NewLq("hash", "rain", 0.5, "group", "{}")]
            )
            lanes.open_lanes(connection, lq, [("nano_banana_2", "fixed", 0)])
            asked = (("prompt", 1, 5_000), ("restore", 1, 70_000), ("restore", 2, None))
            for number, (stage, attempt, cost) in enumerate(asked):
                ask(connection, f"{number}" * 64, 1, stage, attempt, cost)
            ask(connection, "c" * 64, None, "restore", 1, 70_000)

        database.write_now(fill)
        database.close()
    return tmp_path / "ws"


def ask(connection, key, lane, stage, attempt, cost):
    question = json.dumps({"stage": stage, "attempt": attempt, "sample": 0, "vote": 0})
    calls.open_call(connection, key, lane=lane, model="m-1", question=question)
    send = calls.begin_send(
        connection, key, repeatable=False, reserve_micro=90_000, budget_micro=None, owner="o"
    )
    if cost is None:
        calls.put_in_doubt(connection, send, "no answer")
    else:
        calls.settle(connection, send, state="done", cost_micro=cost, remote_id="r-1")


def test_costs_add_up_by_stage_and_attempt_and_probes_stand_apart(workspace):
    with open_readonly(workspace) as reading:
        found = {(c.stage, c.attempt): c for c in costs(reading.ledger)}
        spent = spending(reading)
    assert found["prompt", 1].settled_usd == 0.005
    assert found["restore", 1].category == "rain"
    assert found["probe", 1].category is None
    assert found["restore", 2].in_doubt_usd == 0.09
    assert spent.whole.spent_usd == pytest.approx(0.145)
    assert spent.whole.usd_per_pair is None
    assert [(s.name, round(s.spent_usd, 6)) for s in spent.by_attempt] == [("1", 0.075)]
    assert [(s.name, round(s.spent_usd, 6)) for s in spent.by_category] == [("rain", 0.075)]
    assert {share.name: share.spent_usd for share in spent.by_stage} == {
        "probe": 0.07,
        "prompt": 0.005,
        "restore": 0.07,
    }


def test_sends_are_listed_with_photo_and_the_providers_own_name(workspace):
    with open_readonly(workspace) as reading:
        sends = list(each_send(reading.ledger, in_doubt=False))
        (doubt,) = each_send(reading.ledger, in_doubt=True)
    assert [send.photo for send in sends] == ["a.jpg", "a.jpg", "a.jpg", None]
    assert sends[0].remote_id == "r-1"
    assert (doubt.state, doubt.reserved_usd, doubt.detail) == ("in_doubt", 0.09, "no answer")


def test_resolving_is_written_down_for_the_next_build(workspace):
    with pytest.raises(UsageError, match="neither hold nor retry"):
        resolve(workspace, "again", allowance_usd=1)
    with pytest.raises(UsageError, match="--allowance"):
        resolve(workspace, "retry", allowance_usd=0)
    assert resolve(workspace, "retry", allowance_usd=1.0) == 1


def test_terms_that_bar_training_stop_a_release_until_acknowledged(tmp_path, monkeypatch):
    own = tmp_path / "models.toml"
    own.write_text('[nano_banana_2.terms]\nmay_train = "no"\nnote = "no training"\n')
    monkeypatch.setenv("GGT_MODELS", str(own))
    with pytest.raises(UsageError, match="--acknowledge-terms nano_banana_2"):
        check_terms(["classical", "nano_banana_2"], ())
    check_terms(["classical", "nano_banana_2"], ["nano_banana_2"])
    assert "training on its outputs: no (no training" in terms_of("nano_banana_2")
