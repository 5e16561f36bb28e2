import json

import pytest
import typer
from typer.testing import CliRunner

from ggt.cli.release import release
from ggt.stages.build import build
from ggt.stages.lint import lint_dataset
from ggt.stages.outcomes import pairs
from ggt.stages.publish import NothingToReleaseError, ReleaseRequest, publish
from ggt.stages.split import read_members
from ggt.store.decisions import Decision, Decisions, now
from ggt.store.workspace import open_readonly
from rehearsal import request, write_photos


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A finished rehearsal of a few small photos."""
    folder = tmp_path_factory.mktemp("published")
    assert build(request(write_photos(folder), folder / "ws")) is None
    return folder / "ws"


def accepted(workspace):
    with open_readonly(workspace) as reading:
        return pairs(reading)


def test_a_build_is_released_and_lints_clean(workspace, tmp_path):
    done = publish(workspace, ReleaseRequest(to=tmp_path / "out"))
    expected = accepted(workspace)
    assert done.num_train == done.num_not_ground_truth == len(expected) > 0
    linted = lint_dataset(tmp_path / "out")
    assert (linted.num_pairs, linted.findings) == (len(expected), ())
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"**not-ground-truth**: {len(expected)} of {len(expected)} targets" in card
    assert "no person decided about any candidate" in card


def test_published_test_pairs_stay_test_pairs(workspace, tmp_path):
    first = publish(workspace, ReleaseRequest(to=tmp_path / "first", num_test=1))
    assert first.num_test == 1
    with open_readonly(workspace) as reading:
        frozen = read_members(reading.layout.test_members)
    again = publish(workspace, ReleaseRequest(to=tmp_path / "again", format_name="folders"))
    assert again.num_test == 1
    assert [p.stem for p in (tmp_path / "again/test/gt").iterdir()] == frozen


def test_the_card_says_how_people_and_quality_control_agreed(workspace, tmp_path):
    with open_readonly(workspace) as reading:
        rows = reading.ledger.execute(
            "SELECT lq.pixel_hash, attempt.pixel_hash FROM attempt JOIN lane ON lane.id = "
            "attempt.lane JOIN lq ON lq.id = lane.lq WHERE outcome = 'passed' ORDER BY 1"
        ).fetchall()
        decisions = Decisions(reading.layout.decisions)
    decisions.add(
        Decision(lq, candidate, "reject" if number == 0 else "accept", "Ann", now())
        for number, (lq, candidate) in enumerate(rows)
    )
    decisions.close()
    publish(workspace, ReleaseRequest(to=tmp_path / "out", allow_unknown_licence=True))
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"of {len(rows)} that quality control had passed they rejected 1" in card
    assert f"| reviewed | {len(rows) - 1} |" in card
    assert "Ann" not in card


def test_a_workspace_without_pairs_releases_nothing_and_says_where_all_ended(tmp_path):
    photos = write_photos(tmp_path)
    assert build(request(photos, tmp_path / "ws")) is None
    with open_readonly(tmp_path / "ws") as reading:
        rows = reading.ledger.execute(
            "SELECT lq.pixel_hash, attempt.pixel_hash FROM attempt JOIN lane ON lane.id = "
            "attempt.lane JOIN lq ON lq.id = lane.lq"
        ).fetchall()
        decisions = Decisions(reading.layout.decisions)
    decisions.add(Decision(lq, candidate, "reject", "Ann", now()) for lq, candidate in rows)
    decisions.close()
    with pytest.raises(NothingToReleaseError, match="nothing was written"):
        publish(tmp_path / "ws", ReleaseRequest(to=tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_the_command_says_what_it_wrote(workspace, tmp_path):
    app = typer.Typer()
    app.command()(release)
    run = CliRunner().invoke(app, [str(workspace), "--to", str(tmp_path / "out"), "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert told["num_train"] + told["num_test"] == len(accepted(workspace))
    assert told["format"] == "parquet"
