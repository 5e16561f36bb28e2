import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from ggt.cli.release import release
from ggt.images import encode_png
from ggt.judges.measured import shipped
from ggt.settings.quality import QualitySettings
from ggt.stages.build import build
from ggt.stages.lint import lint_dataset
from ggt.stages.outcomes import pairs
from ggt.stages.release.publish import (
    NothingToReleaseError,
    ReleaseRequest,
    agreement,
    calibration,
    publish,
)
from ggt.stages.release.split import read_members
from ggt.store.workspace import open_readonly
from rehearsal import decide, request, write_photos


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A finished rehearsal of four small photos; a person accepted every candidate, so that all are pairs."""
    folder = tmp_path_factory.mktemp("published")
    assert build(request(write_photos(folder), folder / "ws")) is None
    decide(folder / "ws", "accept")
    return folder / "ws"


def accepted(workspace):
    with open_readonly(workspace) as reading:
        return list(pairs(reading))


def test_a_build_is_released_and_lints_clean(workspace, tmp_path):
    done = publish(workspace, ReleaseRequest(to=tmp_path / "out"))
    expected = accepted(workspace)
    assert done.num_train == done.num_not_ground_truth == len(expected) == 4
    linted = lint_dataset(tmp_path / "out")
    assert (linted.num_pairs, linted.findings) == (len(expected), ())
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"**not-ground-truth**: {len(expected)} of {len(expected)} targets" in card
    assert f"| reviewed | {len(expected)} |" in card


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
        query = "SELECT count(*) FROM attempt WHERE outcome = ?"
        passed, rejected = (
            reading.ledger.execute(query, [outcome]).fetchone()[0]
            for outcome in ("passed", "rejected")
        )
        assert agreement(reading) == (
            f"{passed + rejected} candidates decided by people (reviewers: 1): of {passed} that quality control "
            f"had passed they rejected 0, of {rejected} that it had rejected they accepted {rejected}"
        )
    publish(workspace, ReleaseRequest(to=tmp_path / "out"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"of {passed} that quality control had passed they rejected 0" in card
    everything = b"".join(p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert b"Ann Smith" not in everything


def test_a_workspace_without_pairs_releases_nothing_and_says_where_all_ended(workspace, tmp_path):
    shutil.copytree(workspace, tmp_path / "ws")
    decide(tmp_path / "ws", "reject")
    with pytest.raises(NothingToReleaseError, match=r"nothing was written\. 4 lqs: 4 "):
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


def test_the_card_names_what_quality_control_was_calibrated_on(workspace, tmp_path):
    model = shipped()
    told = calibration(QualitySettings())
    assert f"fitted by {model.made_by} on {model.num_faults} planted faults" in told
    assert f"from {model.num_photos} clean photos" in told
    assert "do not hold" not in told
    place = told.split("the table ")[1].split(" ")[0]
    assert (Path(__file__).parents[3] / place).is_file()
    publish(workspace, ReleaseRequest(to=tmp_path / "out"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"on {model.num_faults} planted faults" in card
    assert "the recipe sets other bounds of quality control" in card


def test_the_card_names_the_excluded_sets_with_their_counts(workspace, tmp_path):
    shutil.copytree(workspace.parent, tmp_path / "all")
    folder = tmp_path / "all"
    (folder / "cups").mkdir()
    (folder / "others").mkdir()
    noise = np.random.default_rng(7).integers(0, 256, (64, 64, 3), np.uint8)
    (folder / "others" / "noise.png").write_bytes(encode_png(noise))
    shutil.copy(folder / "truths" / "coffee.png", folder / "cups" / "coffee.png")
    excluded = (folder / "cups", folder / "others")
    build(request(folder / "photos", folder / "ws", excluded=excluded))
    publish(folder / "ws", ReleaseRequest(to=tmp_path / "out"))
    card = (tmp_path / "out" / "README.md").read_text()
    assert (
        "Sets kept out: cups (pictures: 1, photos set aside for looking like one: 1), others ("
        in card
    )
    assert "others (pictures: 1, photos set aside for looking like one: 0)" in card
    assert str(tmp_path) not in card
