"""The ledger's writer: durable, grouped, and honest about what failed."""

import asyncio
import sqlite3
from pathlib import Path

import pytest

from ggt.errors import StorageError, WorkspaceError
from ggt.store import schema
from ggt.store.database import Database
from ggt.store.workspace import get_meta, set_meta


def test_what_was_written_is_read_back_by_another_connection(tmp_path: Path):
    database = Database(tmp_path / "ledger.sqlite")
    database.write_now(lambda c: set_meta(c, "recipe", "x"))
    reader = schema.open_for_reading(tmp_path / "ledger.sqlite")
    assert get_meta(reader, "recipe") == "x"
    reader.close()
    database.close()


def test_a_failing_write_takes_only_itself_back(tmp_path: Path):
    database = Database(tmp_path / "ledger.sqlite")

    def half(connection: sqlite3.Connection) -> None:
        set_meta(connection, "half", "done")
        raise ValueError("on purpose")

    async def both() -> list[object]:
        return await asyncio.gather(
            database.write(lambda c: set_meta(c, "good", "1")),
            database.write(half),
            database.write(lambda c: set_meta(c, "also good", "1")),
            return_exceptions=True,
        )

    results = asyncio.run(both())
    assert isinstance(results[1], ValueError)
    assert database.read(lambda c: get_meta(c, "half")) is None
    assert database.read(lambda c: get_meta(c, "good")) == "1"
    assert database.read(lambda c: get_meta(c, "also good")) == "1"
    database.close()


def test_many_writes_share_few_commits(tmp_path: Path):
    database = Database(tmp_path / "ledger.sqlite")

    async def many() -> None:
        await asyncio.gather(
            *(database.write(lambda c, i=i: set_meta(c, str(i), "1")) for i in range(500))
        )

    asyncio.run(many())
    assert database.num_commits < 100
    assert database.read(lambda c: c.execute("SELECT count(*) FROM meta").fetchone()[0]) == 500
    database.close()


def test_a_ledger_of_a_newer_version_is_refused_and_unchanged(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version={schema.SCHEMA_VERSION + 1}")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    for opening in (schema.open_for_writing, schema.open_for_reading):
        with pytest.raises(WorkspaceError, match="upgrade ggt"):
            opening(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_no_ledger(tmp_path: Path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"these are no tables, however long one looks at them" * 30)
    for opening in (schema.open_for_writing, schema.open_for_reading):
        with pytest.raises(WorkspaceError, match="is not a ledger"):
            opening(path)


def test_a_reader_cannot_write(tmp_path: Path):
    Database(tmp_path / "ledger.sqlite").close()
    reader = schema.open_for_reading(tmp_path / "ledger.sqlite")
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        set_meta(reader, "recipe", "x")
    reader.close()


def test_a_folder_without_a_ledger_is_no_workspace(tmp_path: Path):
    with pytest.raises(WorkspaceError, match="ggt build PHOTOS --out"):
        schema.open_for_reading(tmp_path / "ledger.sqlite")


def test_a_database_that_cannot_grow_says_so_and_keeps_what_it_had(tmp_path: Path):
    database = Database(tmp_path / "ledger.sqlite")
    database.write_now(lambda c: set_meta(c, "kept", "1"))
    pages = database.read(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    database.write_now(lambda c: c.execute(f"PRAGMA max_page_count={pages}").fetchone())
    with pytest.raises(StorageError, match="full"):
        database.write_now(lambda c: set_meta(c, "large", "x" * 1_000_000))
    assert database.read(lambda c: get_meta(c, "kept")) == "1"
    database.close()


def test_when_what_nobody_waits_for_fails_nothing_after_it_holds(tmp_path: Path):
    database = Database(tmp_path / "ledger.sqlite")

    def refuse(connection: sqlite3.Connection) -> None:
        raise ValueError("on purpose")

    database.write_soon(refuse)
    with pytest.raises(StorageError, match="on purpose"):
        database.write_now(lambda c: set_meta(c, "after", "1"))
    assert database.read(lambda c: get_meta(c, "after")) is None
    database.close()


def first_version(path: Path) -> None:
    """Make a ledger of schema version 1, in which closing a lane overwrote its state."""
    connection = schema.open_for_writing(path)
    connection.executescript(
        "PRAGMA ignore_check_constraints=ON; PRAGMA foreign_keys=OFF;"
        "ALTER TABLE lane DROP COLUMN closed; DROP TABLE probe; PRAGMA user_version=1;"
        "INSERT INTO call (key, lane, model, question, state) VALUES ('k', 2, 'm', '{}', 'done');"
        "INSERT INTO send (id, call, number, repeatable, reserved_micro, owner, began_at) "
        "VALUES ('k-1', 'k', 1, 0, 40000, 'o', 1.0);"
        "INSERT INTO lane (lq, restorer, prompt, sample, state) VALUES (1, 'a', 'p', 0, 'closed');"
        "INSERT INTO lane (lq, restorer, prompt, sample, state) VALUES (1, 'b', 'p', 0, 'passed');"
    )
    connection.close()


def test_a_ledger_of_an_older_version_is_read_as_it_is_and_brought_up_to_date_by_a_build(
    tmp_path: Path,
):
    path = tmp_path / "ledger.sqlite"
    first_version(path)
    query = "SELECT restorer, state, closed FROM lane ORDER BY restorer"
    expected = [("a", "ready", 1), ("b", "passed", 0)]
    before = path.read_bytes()
    reader = schema.open_for_reading(path)
    assert reader.execute(query).fetchall() == expected
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        set_meta(reader, "recipe", "x")
    reader.close()
    assert path.read_bytes() == before
    schema.open_for_writing(path).close()
    connection = sqlite3.connect(path)
    assert connection.execute(query).fetchall() == expected
    assert connection.execute("PRAGMA user_version").fetchone() == (schema.SCHEMA_VERSION,)
    joined = "SELECT call.key, call.lane, send.id FROM call JOIN send ON send.call = call.key"
    assert connection.execute(joined).fetchall() == [("k", 2, "k-1")]
    assert connection.execute("PRAGMA foreign_key_list(send)").fetchone()[2] == "call"
    connection.execute("INSERT INTO call (key, model, question) VALUES ('canary', 'm', '{}')")
    connection.close()
