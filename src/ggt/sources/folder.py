"""Photos in a folder and its subfolders, with what a sidecar `photos.csv` says of them."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ggt.errors import UsageError
from ggt.images import RAW_SUFFIXES, READABLE
from ggt.sources import Source
from ggt.sources._sidecar import Row, read_sidecar
from ggt.types import CATEGORIES, Category, Photo

SIDECAR = "photos.csv"

# fmt: off
IMAGE_SUFFIXES = RAW_SUFFIXES | {
    ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".webp", ".tif", ".tiff", ".bmp", ".dib", ".gif",
    ".heic", ".heif", ".hif", ".avif",
}
# fmt: on
"""What is taken for a photo by its name; cameras' raw files too, so that they are refused aloud."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files below a folder, sorted, relative to it, with `/`: photos by their suffix, and all others."""

    images: tuple[str, ...]
    others: tuple[str, ...]


def find(root: Path) -> Iterator[Photo]:
    """Yield the photos below `root`, sorted by path, unopened.

    The category is the sidecar's, else that of the nearest folder named like one, `root` included, else None.

    Raises:
        UsageError: no such folder, no permission, no photo, or a sidecar that cannot be used.
    """
    listing = list_images(root)
    sidecar = root / SIDECAR
    stated = read_sidecar(sidecar) if sidecar.is_file() else {}
    missing = sorted(set(stated) - set(listing.images))
    if missing:
        raise UsageError(
            f"{str(sidecar)!r} row {stated[missing[0]].number}, column 'file': {missing[0]!r} is no photo below "
            f"{str(root)!r} ({len(missing)} such rows): correct or remove them"
        )
    for path in listing.images:
        row = stated.get(path, Row(number=0))
        yield Photo(
            path=path,
            source=row.source,
            author=row.author,
            licence=row.licence,
            url=row.url,
            scene=row.scene,
            category=row.category or folder_category(root, path),
            truth=row.truth,
        )


def folder_category(root: Path, path: str) -> Category | None:
    """Return the category that the nearest folder's name states; `low-light` and `Low Light` are lowlight."""
    folders = (root.absolute().name, *PurePosixPath(path).parts[:-1])
    for folder in reversed(folders):
        name = folder.casefold().translate({ord(sign): None for sign in "-_ "})
        for category in CATEGORIES:
            if name == category:
                return category
    return None


def list_images(root: Path) -> Listing:
    """List the files below a folder; hidden ones are skipped, links to folders are followed once.

    Raises:
        UsageError: no such folder, no permission, no photo in it, or a name that is not UTF-8.
    """
    if not root.is_dir():
        raise UsageError(f"{str(root)!r} is no folder: name the folder that holds the photos")
    files = sorted(_walk(root, "", {_identity(root)}))
    images = tuple(file for file in files if PurePosixPath(file).suffix.lower() in IMAGE_SUFFIXES)
    others = tuple(
        file for file in files if PurePosixPath(file).suffix.lower() not in IMAGE_SUFFIXES
    )
    if not images:
        held = f"{len(others)} other files" if others else "nothing"
        raise UsageError(
            f"{str(root)!r} holds no photo, but {held}: ggt reads {READABLE}, named by their usual suffixes"
        )
    return Listing(images, others)


def _walk(root: Path, inside: str, visited: set[tuple[int, int]]) -> Iterator[str]:
    """Yield files relative to `root`; a folder that was visited, by whatever link, is not entered again."""
    folder = root / inside
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: (entry.is_symlink(), entry.name))
    except OSError as error:
        raise UsageError(
            f"cannot list {str(folder)!r} ({error.strerror}): make it readable, or move it elsewhere"
        ) from error
    for entry in entries:
        if entry.name.startswith("."):
            continue
        _check_name(entry.name, folder)
        path = f"{inside}{entry.name}"
        if _is_folder(entry):
            identity = _identity(Path(entry.path))
            if identity not in visited:
                visited.add(identity)
                yield from _walk(root, f"{path}/", visited)
        elif _is_file(entry):
            yield path


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself, or into a forbidden folder
        return False


def _is_file(entry: os.DirEntry[str]) -> bool:
    """Tell files from pipes and devices, which are never opened; a dead link counts, to be reported as unreadable."""
    try:
        return entry.is_file() or (entry.is_symlink() and not Path(entry.path).exists())
    except OSError:
        return True


def _identity(folder: Path) -> tuple[int, int]:
    found = folder.stat()
    return found.st_dev, found.st_ino


def _check_name(name: str, folder: Path) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UsageError(
            f"the file name {name!r} in {str(folder)!r} is not UTF-8: rename the file (convmv does many at once)"
        ) from None


PLUGIN = Source(find=find, source="a folder of the user's own")
