"""People's decisions: people write while a build reads, and the other way round."""

import sqlite3
from pathlib import Path

import pytest

from ggt.store.decisions import Decision, Decisions


def decision(number: int, choice="accept") -> Decision:
    return Decision(f"lq {number}", f"candidate {number}", choice, "ann", "2026-01-01T00:00:00Z")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with many decisions, closed."""
    store = Decisions(tmp_path / "decisions.sqlite")
    store.add(decision(number) for number in range(50))
    store.close()
    return tmp_path / "decisions.sqlite"


def test_people_write_while_a_build_is_in_the_middle_of_reading(path):
    reading, writing = Decisions(path), Decisions(path)
    under_way = reading.all()
    next(under_way)
    assert writing.add([decision(99)]) == 1
    assert len(list(under_way)) == 49
    assert len(reading.about("lq 99")) == 1
    reading.close()
    writing.close()


def test_a_build_reads_while_somebody_is_in_the_middle_of_writing(path):
    writing = sqlite3.connect(path, isolation_level=None)
    writing.execute("BEGIN EXCLUSIVE")
    for readonly in (False, True):
        reading = Decisions(path, readonly=readonly)
        assert len(list(reading.all())) == 50
        reading.close()
    writing.execute("ROLLBACK")
    writing.close()


def test_a_store_of_an_earlier_version_no_longer_blocks_once_it_was_opened(path):
    old = sqlite3.connect(path)
    assert old.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    old.close()
    Decisions(path).close()
    new = sqlite3.connect(path)
    assert new.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    new.close()
