"""The folder of imported files: written whole, found by hash, checked whenever they are read."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Literal

from ggt.errors import MissingWeightsError, StorageError, UsageError
from ggt.store.blobs import blob_path, write_durably
from ggt.weights.registry import KNOWN, KnownFile, known_file

FOLDER_VARIABLE = "GGT_WEIGHTS_DIR"
State = Literal["imported", "missing", "damaged"]


def weights_folder() -> Path:
    """Say where imported files lie: GGT_WEIGHTS_DIR, else the user's data folder on this platform."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    return Path(chosen) if chosen else _user_data_folder() / "ggt" / "weights"


def import_file(path: Path) -> KnownFile:
    """Copy a known file and its notice into the folder; importing it again is harmless and repairs a damaged copy.

    Raises:
        UsageError: the file cannot be read, or its sha256 is none that ggt knows.
        StorageError: the folder cannot be written.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r} ({error.strerror})") from error
    known = _recognise(path, data)
    if state_of(known) != "imported":
        _write(imported_path(known).with_suffix(".notice.txt"), known.notice.encode())
        _write(imported_path(known), data)
    return known


def read_weights(name: str) -> bytes:
    """Return an imported file's bytes, after checking them against the known hash.

    Raises:
        MissingWeightsError: it was not imported, or its copy is damaged; the message says how to get it.
    """
    known = known_file(name)
    try:
        data = imported_path(known).read_bytes()
    except OSError as error:
        raise MissingWeightsError(
            f"{known.file_name} ({known.purpose}) is not in {str(weights_folder())!r} "
            f"({error.strerror}). {remedy(known)}"
        ) from error
    found = hashlib.sha256(data).hexdigest()
    if found != known.sha256:
        raise MissingWeightsError(
            f"{str(imported_path(known))!r} is damaged: expected sha256 {known.sha256}, found {found}. {remedy(known)}"
        )
    return data


def remedy(known: KnownFile) -> str:
    """Say how to get a file: where it is published, under what licence, and the command."""
    return (
        f"ggt does not ship it: get it from {known.address} (licence: {known.licence}), "
        f"then run: ggt weights import {known.file_name}"
    )


def state_of(known: KnownFile) -> State:
    """Look whether a file is imported and whole."""
    try:
        data = imported_path(known).read_bytes()
    except OSError:
        return "missing"
    return "imported" if hashlib.sha256(data).hexdigest() == known.sha256 else "damaged"


def imported_path(known: KnownFile) -> Path:
    """Say where the copy of a file lies, or would lie."""
    return blob_path(weights_folder(), known.sha256, Path(known.file_name).suffix)


def _recognise(path: Path, data: bytes) -> KnownFile:
    found = hashlib.sha256(data).hexdigest()
    for known in KNOWN:
        if known.sha256 == found:
            return known
    expected = "; ".join(f"{known.sha256} for {known.file_name} ({known.name})" for known in KNOWN)
    raise UsageError(
        f"{str(path)!r} is none of the files that ggt knows, nothing was imported: "
        f"found sha256 {found}, expected {expected}"
    )


def _write(path: Path, data: bytes) -> None:
    try:
        write_durably(path, data)
    except StorageError as error:
        raise StorageError(
            f"cannot write {str(path)!r}: free some space, make the folder writable, "
            f"or name another in {FOLDER_VARIABLE}"
        ) from error


def _user_data_folder() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
