import json
import re

import pytest
import typer
from typer.testing import CliRunner

from ggt.cli.report import report
from ggt.errors import UsageError, WorkspaceError
from ggt.stages.build import build
from ggt.stages.outcomes import pairs
from ggt.stages.report import trust_picture, write_report
from ggt.store.workspace import open_readonly
from rehearsal import decide, request, write_photos


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A finished rehearsal of four small photos; a person accepted every candidate but those of one photo."""
    folder = tmp_path_factory.mktemp("reported")
    assert build(request(write_photos(folder), folder / "ws")) is None
    decide(folder / "ws", "accept")
    decide(folder / "ws", "reject", num_lqs=1)
    return folder / "ws"


def all_bytes(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_report_shows_what_the_workspace_holds(workspace, tmp_path):
    page = write_report(workspace, tmp_path / "report")
    html = page.read_text()
    with open_readonly(workspace) as reading:
        accepted = list(pairs(reading))
    counts = json.loads((tmp_path / "report" / "report.json").read_text())
    assert counts["num_pairs"] == len(accepted) == 3
    assert counts["num_rejected"] > 0
    for pair in accepted:
        assert f'id="gt-{pair.id}"' in html
    assert "not-ground-truth" in html
    assert "a person" in html


def test_everything_that_the_page_shows_is_in_its_folder(workspace, tmp_path):
    page = write_report(workspace, tmp_path / "report")
    addresses = set(re.findall(r'(?:src|href)="([^"#]+)"', page.read_text())) - {"data:,"}
    files = set(all_bytes(tmp_path / "report")) - {"index.html", "report.json"}
    assert addresses == files


def test_the_same_workspace_gives_the_same_files(workspace, tmp_path):
    write_report(workspace, tmp_path / "one")
    write_report(workspace, tmp_path / "other")
    assert all_bytes(tmp_path / "one") == all_bytes(tmp_path / "other")


def test_names_that_are_no_utf8_are_shown_as_escapes(workspace, tmp_path):
    from dataclasses import replace

    from ggt.stages.report import write_page
    from report_facts import make_facts

    write_page(tmp_path, replace(make_facts(), name="caf\udce9"))
    assert "<h1>caf\\udce9</h1>" in (tmp_path / "index.html").read_text()


def test_an_earlier_report_is_replaced_and_nothing_else_is(workspace, tmp_path):
    out = tmp_path / "report"
    write_report(workspace, out)
    write_report(workspace, out, num_pairs=0)
    assert not list(out.glob("img/*-gt.jpg"))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    with pytest.raises(UsageError, match="holds no report"):
        write_report(workspace, tmp_path / "mine")
    assert (tmp_path / "mine" / "index.html").read_text() == "mine"


def test_what_is_no_workspace_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(WorkspaceError):
        write_report(tmp_path / "photos", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_trust_map_is_white_where_the_target_may_be_believed():
    picture = trust_picture(((1.0, 0.0),) * 2)
    assert picture[0, 0].tolist() == [255, 255, 255]
    assert picture[0, 1].tolist() == [150, 40, 20]


def test_the_command_prints_the_address_of_the_page(workspace, tmp_path):
    app = typer.Typer()
    app.command()(report)
    run = CliRunner().invoke(app, [str(workspace), "--out", str(tmp_path / "r")])
    assert run.exit_code == 0, run.output
    assert run.stdout.strip() == (tmp_path / "r" / "index.html").as_uri()
