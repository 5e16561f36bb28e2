"""Writing a folder so that it appears whole or not at all, and never over somebody's other files."""

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ggt.errors import UsageError
from ggt.store.blobs import storage_error


def check_replaceable(to: Path, *, marks: tuple[str, ...], what: str) -> None:
    """Refuse a folder that holds anything but an earlier `what`, which is known by the files `marks`.

    Raises:
        UsageError: names the folder and what to do.
    """
    if not to.exists():
        return
    if not to.is_dir():
        raise UsageError(f"{str(to)!r} is a file: name a folder")
    if any(to.iterdir()) and not all((to / mark).is_file() for mark in marks):
        raise UsageError(
            f"{str(to)!r} is not empty and holds no {what} of ggt: name another folder"
        )


@contextmanager
def written_whole(to: Path) -> Generator[Path]:
    """Yield an empty folder beside `to`, which takes its place when the block ends without an error.

    Raises:
        StorageError: it cannot be written; what was at `to` is untouched.
    """
    to = to.absolute()
    temporary = to.with_name(f".{to.name}.unfinished")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        _replace(to, temporary)
    except OSError as error:
        raise storage_error(to, error) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(to: Path, temporary: Path) -> None:
    old = to.with_name(f".{to.name}.replaced")
    shutil.rmtree(old, ignore_errors=True)
    if to.exists():
        to.rename(old)
    temporary.rename(to)
    shutil.rmtree(old, ignore_errors=True)
