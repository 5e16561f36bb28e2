"""The ledger's tables, and opening a database of this or an older version, never of a newer one."""

import sqlite3
from pathlib import Path

from ggt.errors import StorageError, WorkspaceError

SCHEMA_VERSION = 3

# Owner, lease and version columns are for many workers on one server database; one embedded engine fills
# them too, so that moving there changes no meaning. Money is whole micro-dollars: sums stay exact.
_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE photo (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  stated TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'found'
    CHECK (state IN ('found', 'measured', 'ingested', 'set_aside', 'failed')),
  reason TEXT,
  detail TEXT,
  record TEXT
);
CREATE INDEX photo_by_state ON photo (state, id);

CREATE TABLE lq (
  id INTEGER PRIMARY KEY,
  photo INTEGER NOT NULL REFERENCES photo,
  pixel_hash TEXT NOT NULL UNIQUE,
  category TEXT NOT NULL,
  severity REAL NOT NULL,
  photo_group TEXT NOT NULL,
  record TEXT NOT NULL
);
CREATE INDEX lq_by_photo ON lq (photo);

CREATE TABLE lane (
  id INTEGER PRIMARY KEY,
  lq INTEGER NOT NULL REFERENCES lq,
  restorer TEXT NOT NULL,
  prompt TEXT NOT NULL,
  sample INTEGER NOT NULL,
  revision INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'ready' CHECK (state IN
    ('ready', 'running', 'passed', 'rejected', 'refused', 'review', 'in_doubt', 'failed')),
  closed INTEGER NOT NULL DEFAULT 0,
  detail TEXT,
  owner TEXT,
  lease_until REAL,
  version INTEGER NOT NULL DEFAULT 0,
  UNIQUE (lq, restorer, prompt, sample)
);
CREATE INDEX lane_by_state ON lane (state, id);

CREATE TABLE attempt (
  id INTEGER PRIMARY KEY,
  lane INTEGER NOT NULL REFERENCES lane,
  revision INTEGER NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  call TEXT NOT NULL REFERENCES call (key),
  prompt TEXT NOT NULL,
  candidate TEXT NOT NULL,
  pixel_hash TEXT NOT NULL,
  notes TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('passed', 'rejected', 'unjudged')),
  stage TEXT,
  assessment TEXT NOT NULL,
  UNIQUE (lane, revision, number)
);

CREATE TABLE call (
  key TEXT PRIMARY KEY,
  lane INTEGER REFERENCES lane,
  model TEXT NOT NULL,
  question TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'refused')),
  answer TEXT,
  version TEXT,
  notes TEXT
) WITHOUT ROWID;
CREATE INDEX call_by_lane ON call (lane);

CREATE TABLE send (
  id TEXT PRIMARY KEY,
  call TEXT NOT NULL REFERENCES call (key),
  number INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'intent' CHECK (state IN
    ('intent', 'submitted', 'done', 'refused', 'no_image', 'bad_output', 'unbilled', 'in_doubt', 'repeated')),
  repeatable INTEGER NOT NULL,
  reserved_micro INTEGER NOT NULL CHECK (reserved_micro >= 0),
  cost_micro INTEGER NOT NULL DEFAULT 0 CHECK (cost_micro >= 0),
  retried INTEGER NOT NULL DEFAULT 0,
  remote_id TEXT,
  detail TEXT,
  owner TEXT NOT NULL,
  began_at REAL NOT NULL,
  ended_at REAL,
  UNIQUE (call, number)
) WITHOUT ROWID;
CREATE INDEX send_by_state ON send (state);

CREATE TABLE spend (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  settled_micro INTEGER NOT NULL DEFAULT 0,
  reserved_micro INTEGER NOT NULL DEFAULT 0
);
INSERT INTO spend (one) VALUES (1);

CREATE TABLE probe (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('canary', 'sentinel')),
  subject TEXT NOT NULL,
  name TEXT NOT NULL,
  round INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  at REAL NOT NULL,
  record TEXT NOT NULL,
  UNIQUE (kind, subject, name, round)
);

CREATE TABLE event (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at REAL NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL
);
"""


def _table(name: str) -> str:
    """Return the statement that makes one of today's tables."""
    start = _TABLES.index(f"CREATE TABLE {name} (")
    return _TABLES[start : _TABLES.index(";", start) + 1]


_UPGRADES = {
    # Closing a lane overwrote its state: what it was is gone, so such lanes are run through once more.
    1: (
        "ALTER TABLE lane ADD COLUMN closed INTEGER NOT NULL DEFAULT 0;"
        "UPDATE lane SET closed = 1, state = 'ready' WHERE state = 'closed';"
    ),
    # Canaries and sentinels are calls of no lane. SQLite cannot drop a NOT NULL, so the table is made anew.
    2: (
        _table("call").replace("TABLE call", "TABLE new_call")
        + "INSERT INTO new_call SELECT key, lane, model, question, state, answer, version, notes FROM call;"
        "DROP TABLE call; ALTER TABLE new_call RENAME TO call; CREATE INDEX call_by_lane ON call (lane);"
        + _table("probe")
    ),
}
"""Version -> what turns it into the next one."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the ledger, creating it if need be; WAL and a full sync: a commit that returned survives a power cut.

    Raises:
        WorkspaceError: the database belongs to a newer version, or is none.
        StorageError: the folder cannot be written.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        _check(path, connection)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        _bring_up_to_date(
            connection
        )  # a table that others refer to may be made anew, so references rest
        connection.execute("PRAGMA foreign_keys=ON")
    except sqlite3.OperationalError as error:
        raise StorageError(
            f"cannot write {str(path)!r} ({error}): free space or make the folder writable"
        ) from error
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the ledger without being able to change it, also while a build writes.

    Raises:
        WorkspaceError: no ledger there, or one of a newer version.
    """
    if not path.exists():
        raise WorkspaceError(
            f"{str(path.parent)!r} is not a workspace: it holds no {path.name}. "
            "Make one with `ggt build PHOTOS --out FOLDER`"
        )
    connection = open_unchanged(path)
    _check(path, connection)
    return connection if _version(connection) in (0, SCHEMA_VERSION) else _as_today(connection)


def open_unchanged(path: Path) -> sqlite3.Connection:
    """Open any database that is there without being able to change it, also in a folder that is read-only."""
    return _open_uri(path, "mode=ro")


def _open_uri(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if options.endswith("immutable=1"):
            raise
        # A read-only folder has no room for the reader's index of the WAL; nobody else can write there either.
        return _open_uri(path, "mode=ro&immutable=1")
    except sqlite3.DatabaseError:
        return connection
    return connection


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    """Make the tables, or turn those of an older version into today's."""
    version = _version(connection)
    steps = [_UPGRADES[old] for old in range(version, SCHEMA_VERSION)] if version else [_TABLES]
    if version < SCHEMA_VERSION:
        connection.executescript(
            f"BEGIN IMMEDIATE; {''.join(steps)} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;"
        )


def _as_today(old: sqlite3.Connection) -> sqlite3.Connection:
    """Copy an older ledger into memory and bring the copy up to date: the file itself may be read-only."""
    copy = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    old.backup(copy)
    old.close()
    _bring_up_to_date(copy)
    copy.execute("PRAGMA query_only=ON")
    return copy


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check(path: Path, connection: sqlite3.Connection) -> None:
    try:
        version = _version(connection)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise WorkspaceError(f"{str(path)!r} is not a ledger: {error}") from error
    if version > SCHEMA_VERSION:
        raise WorkspaceError(
            f"{str(path)!r} has version {version}, and this ggt reads up to {SCHEMA_VERSION}: "
            "upgrade ggt (pip install --upgrade ggt); nothing was changed"
        )
