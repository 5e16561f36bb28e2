"""Excluded sets are read whole, remembered, and not read twice."""

import os

import numpy as np
import pytest

from ggt.errors import UsageError
from ggt.images import encode_png
from ggt.stages.exclude import read_excluded, recall, remember
from ggt.store.database import Database


def write_picture(path, seed):
    path.parent.mkdir(exist_ok=True)
    rng = np.random.default_rng(seed)
    path.write_bytes(encode_png(rng.integers(0, 255, (40, 40, 3), np.uint8)))


@pytest.fixture
def database(tmp_path):
    database = Database(tmp_path / "ledger.sqlite")
    yield database
    database.close()


def test_an_excluded_set_is_hashed_whole_or_not_at_all(tmp_path):
    write_picture(tmp_path / "set" / "x.png", 0)
    (found,) = read_excluded(tmp_path / "set")
    assert found.name == str(tmp_path / "set" / "x.png")
    (tmp_path / "set" / "broken.png").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"cannot be read whole: '.*broken.png' is not a picture"):
        read_excluded(tmp_path / "set")


def test_sets_add_up_from_build_to_build(database, tmp_path):
    write_picture(tmp_path / "one" / "x.png", 0)
    write_picture(tmp_path / "two" / "y.png", 1)
    assert remember(database, [tmp_path / "one"])
    assert remember(database, [tmp_path / "two"])
    assert not remember(database, [tmp_path / "one"])
    assert not remember(database, [])
    kept = database.read(recall)
    assert sorted(file.path for file in kept) == ["x.png", "y.png"]
    write_picture(tmp_path / "two" / "z.png", 2)
    assert remember(database, [tmp_path / "two"])
    assert len(database.read(recall)) == 3


def test_a_picture_that_did_not_change_is_not_read_again(database, tmp_path):
    path = tmp_path / "set" / "x.png"
    write_picture(path, 0)
    remember(database, [tmp_path / "set"])
    size, time_ns = path.stat().st_size, path.stat().st_mtime_ns
    path.write_bytes(bytes(size))
    os.utime(path, ns=(time_ns, time_ns))
    assert not remember(database, [tmp_path / "set"])
    os.utime(path, ns=(time_ns + 1, time_ns + 1))
    with pytest.raises(UsageError, match="cannot be read whole"):
        remember(database, [tmp_path / "set"])
