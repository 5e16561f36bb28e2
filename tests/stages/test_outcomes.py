"""What a pair knows of the candidates beside it, in a real build."""

import shutil

import pytest

from ggt.settings.lanes import LaneSettings
from ggt.stages.build import build
from ggt.stages.lint import lint_dataset
from ggt.stages.outcomes import pairs, rejected
from ggt.stages.release.publish import NothingToReleaseError, ReleaseRequest, publish
from ggt.store.decisions import Decision, Decisions, now
from ggt.store.workspace import open_readonly
from rehearsal import request, small_recipe, write_photos


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """Two photos with three lanes each."""
    folder = tmp_path_factory.mktemp("outcomes")
    lanes = (LaneSettings(restorer="simulated", samples=3),)
    recipe = small_recipe().model_copy(update={"lanes": lanes})
    photos = write_photos(folder, ("astronaut", "coffee"))
    assert build(request(photos, folder / "ws", recipe)) is None
    return folder / "ws"


def decide_about(workspace, candidate, lq, choice, reasons=()):
    with open_readonly(workspace) as reading:
        store = Decisions(reading.layout.decisions)
    store.add([Decision(lq, candidate, choice, "Ann Smith", now(), reasons)])
    store.close()


def attempts(workspace):
    with open_readonly(workspace) as reading:
        return reading.ledger.execute(
            "SELECT lq.pixel_hash, attempt.pixel_hash, attempt.candidate, attempt.outcome FROM attempt "
            "JOIN lane ON lane.id = attempt.lane JOIN lq ON lq.id = lane.lq ORDER BY attempt.id"
        ).fetchall()


def found(workspace):
    with open_readonly(workspace) as reading:
        return list(pairs(reading))


def test_a_pair_knows_the_other_passing_lanes_and_what_was_turned_down(workspace):
    rows = attempts(workspace)
    made = found(workspace)
    assert made
    for pair in made:
        own = [row for row in rows if row[0].startswith(pair.id)]
        passed = {row[2] for row in own if row[3] == "passed"}
        turned_down = [row[2] for row in own if row[3] == "rejected"]
        assert {rival.blob for rival in pair.rivals} == passed - {pair.hq_blob}
        assert [loser.blob for loser in pair.losers] == turned_down
        assert all(loser.stage != "person" and not loser.ground_truth for loser in pair.losers)
    assert any(pair.rivals for pair in made)


def test_what_a_person_turned_down_is_a_loser_with_the_persons_reasons(workspace, tmp_path):
    shutil.copytree(workspace, tmp_path / "ws")
    pair = next(pair for pair in found(workspace) if pair.rivals)
    beaten = pair.rivals[0].blob
    (lq, candidate) = next((row[0], row[1]) for row in attempts(workspace) if row[2] == beaten)
    decide_about(tmp_path / "ws", candidate, lq, "reject", ("object_consistency",))
    (again,) = (one for one in found(tmp_path / "ws") if one.id == pair.id)
    loser = next(loser for loser in again.losers if loser.blob == beaten)
    assert (loser.stage, loser.marked) == ("person", ("object_consistency",))
    assert beaten not in {rival.blob for rival in again.rivals}
    done = publish(tmp_path / "ws", ReleaseRequest(tmp_path / "out", "preferences"))
    linted = lint_dataset(tmp_path / "out")
    assert (linted.format_name, linted.findings) == ("preferences", ())
    assert linted.num_pairs == done.num_losers > 0
    with open_readonly(tmp_path / "ws") as reading:
        assert done.num_losers <= len(list(rejected(reading)))


def test_a_workspace_that_turned_nothing_down_cannot_release_preferences(workspace, tmp_path):
    shutil.copytree(workspace, tmp_path / "ws")
    for lq, candidate, _, _ in attempts(workspace):
        decide_about(tmp_path / "ws", candidate, lq, "accept")
    with pytest.raises(NothingToReleaseError, match="nothing to prefer, and nothing was written"):
        publish(tmp_path / "ws", ReleaseRequest(tmp_path / "out", "preferences"))
    assert not (tmp_path / "out").exists()


def test_a_build_is_released_for_editors_that_follow_instructions(workspace, tmp_path):
    done = publish(workspace, ReleaseRequest(tmp_path / "out", "instruct"))
    linted = lint_dataset(tmp_path / "out")
    assert (linted.format_name, linted.findings) == ("instruct", ())
    assert linted.num_pairs == done.num_train == len(found(workspace))
