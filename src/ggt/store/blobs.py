"""Blobs: files named by the sha256 of their bytes, whole or absent, never changed."""

import errno
import hashlib
import os
from pathlib import Path

from ggt.errors import GgtError, StorageError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def blob_path(folder: Path, sha256: str, suffix: str = ".png") -> Path:
    """Say where a blob lies; 256 subfolders keep each small."""
    return folder / sha256[:2] / f"{sha256}{suffix}"


def write_blob(folder: Path, data: bytes, suffix: str = ".png") -> str:
    """Store bytes and return their sha256; safe from several processes and against a crash at any moment.

    Raises:
        StorageError: full disk, read-only or forbidden folder.
    """
    sha256 = hashlib.sha256(data).hexdigest()
    path = blob_path(folder, sha256, suffix)
    try:
        known = path.exists()
    except OSError as error:  # a folder on the way that may not be entered
        raise storage_error(path, error) from error
    if not known:
        write_durably(path, data)
    return sha256


def read_blob(folder: Path, sha256: str, suffix: str = ".png") -> bytes:
    """Read a blob and check it against its name.

    Raises:
        GgtError: the blob is missing, or its bytes are not those that were stored.
    """
    path = blob_path(folder, sha256, suffix)
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise GgtError(f"{str(path)!r} is missing: was the workspace moved in parts?") from None
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise GgtError(f"{str(path)!r} is damaged: its sha256 is {found}. Restore it from a copy.")
    return data


def write_durably(path: Path, data: bytes) -> None:
    """Write a file so that after a crash it is there whole or not at all.

    Raises:
        StorageError: full disk, read-only or forbidden folder.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True, exist_ok=True)
            sync_folder(path.parent.parent)
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        _forget(temporary)
        raise storage_error(path, error) from error


def storage_error(path: Path, error: OSError) -> StorageError:
    """Turn an operating system's refusal into a message with a remedy."""
    if error.errno in _FULL:
        remedy = "the disk or quota is full: free some space and run the same command again"
    else:
        remedy = "make the folder writable, or choose another with --out"
    return StorageError(f"cannot write {str(path)!r} ({error.strerror}): {remedy}")


def _forget(temporary: Path) -> None:
    try:
        temporary.unlink(missing_ok=True)
    except OSError:
        return  # the same refusal again; the leftover is a hidden .tmp file that nothing reads


def sync_folder(folder: Path) -> None:
    """Make the renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
