"""docs/faults.md says what the faults are."""

from pathlib import Path

from ggt.faults._table import faults_page

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"


def test_the_page_of_faults_is_fresh():
    assert PAGE.read_text(encoding="utf-8") == faults_page(), "run: make docs"
