"""Blobs are whole or absent."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from ggt.errors import GgtError
from ggt.store.blobs import blob_path, read_blob, write_blob


def test_a_blob_is_named_by_its_bytes_and_read_back(tmp_path: Path):
    sha256 = write_blob(tmp_path, b"pixels")
    assert sha256 == hashlib.sha256(b"pixels").hexdigest()
    assert read_blob(tmp_path, sha256) == b"pixels"
    assert write_blob(tmp_path, b"pixels") == sha256


def test_a_damaged_blob_is_not_read(tmp_path: Path):
    sha256 = write_blob(tmp_path, b"pixels")
    blob_path(tmp_path, sha256).write_bytes(b"pixelz")
    with pytest.raises(GgtError, match="damaged"):
        read_blob(tmp_path, sha256)


def test_a_missing_blob_is_named(tmp_path: Path):
    with pytest.raises(GgtError, match="is missing"):
        read_blob(tmp_path, "ab" * 32)


def test_a_full_disk_leaves_no_blob_and_no_rest(tmp_path: Path):
    code = (
        "import resource, sys; from pathlib import Path; from ggt.store.blobs import write_blob\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_blob(Path(sys.argv[1]), bytes(5000))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "StorageError" in done.stderr
    assert "free some space" in done.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_forbidden_folder_is_a_clear_error(tmp_path: Path):
    folder = tmp_path / "blobs"
    folder.mkdir()
    folder.chmod(0o555)
    tmp_path.chmod(0o755)

    code = (
        "import os, sys; from pathlib import Path; from ggt.store.blobs import write_blob\n"
        "os.getuid() or os.setuid(65534)  # root writes through every permission\n"
        "write_blob(Path(sys.argv[1]), b'x')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert "StorageError" in done.stderr
    assert "make the folder writable" in done.stderr
