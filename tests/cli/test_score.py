import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from ggt.cli.score import score
from ggt.errors import UsageError
from ggt.images import encode_png


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("out", "gt"):
        (tmp_path / folder).mkdir()
        for name in "ab":
            image = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            (tmp_path / folder / f"{name}.png").write_bytes(encode_png(image))
    return tmp_path


def run(*arguments):
    app = typer.Typer()
    app.command()(score)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_json_holds_summaries_with_definitions_and_images(folders):
    result = run("--restored", folders / "out", "--gt", folders / "gt", "--json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert [summary["metric"] for summary in answer["summaries"]] == ["psnr@gt", "ssim@gt"]
    assert all(summary["definition"] for summary in answer["summaries"])
    assert [image["image"] for image in answer["images"]] == ["a", "b"]
    assert answer["failures"] == []


def test_identical_images_give_json_that_any_parser_reads(folders):
    result = run(
        "--restored", folders / "gt", "--gt", folders / "gt", "--metrics", "psnr", "--json"
    )

    def refuse(constant):
        raise AssertionError(constant)

    answer = json.loads(result.stdout, parse_constant=refuse)
    assert answer["images"][0]["psnr@gt"] == "inf"
    assert answer["summaries"][0]["mean"] is None
    assert answer["summaries"][0]["infinite"] == 2


def test_failures_are_listed_and_end_with_one(folders):
    (folders / "out" / "a.png").write_bytes(b"")
    result = run("--restored", folders / "out", "--gt", folders / "gt", "--csv", folders / "s.csv")
    assert result.exit_code == 1
    assert "failed: 'a'" in result.stdout
    assert "psnr@gt" in result.stdout
    assert (folders / "s.csv").read_text().startswith("image,metric,definition,value,failure")


def test_a_missing_folder_is_a_usage_error(folders):
    result = run("--restored", folders / "nothing", "--gt", folders / "gt")
    assert isinstance(result.exception, UsageError)
    assert "nothing" in str(result.exception)
