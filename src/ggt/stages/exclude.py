"""Excluded sets: public test sets whose pictures must not come in, remembered by the workspace from build to build."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from pydantic import TypeAdapter

from ggt.errors import ImageReadError, UsageError
from ggt.images import read_image
from ggt.measure.perceptual_hash import perceptual_hash
from ggt.sources.folder import list_images
from ggt.store.database import Database
from ggt.store.workspace import get_meta, set_meta

_KEY = "excluded sets"


@dataclass(frozen=True, slots=True)
class ExcludedFile:
    """One picture of an excluded set; `folder` is the set's, absolute; size and time tell whether it was changed."""

    folder: str
    path: str
    size: int
    changed_ns: int
    perceptual_hash: int

    @property
    def name(self) -> str:
        """Where the picture lies, for messages."""
        return str(PurePath(self.folder, self.path))


@dataclass(frozen=True, slots=True)
class KeptOut:
    """One excluded set: its folder's name, and how many photos were set aside because they look like its pictures."""

    name: str
    num_pictures: int
    num_photos: int


_FILES = TypeAdapter(tuple[ExcludedFile, ...])


def remember(database: Database, folders: Iterable[Path]) -> bool:
    """Add folders to the workspace's excluded sets, or read those again that changed; returns whether any did.

    Raises:
        UsageError: a folder without images, or a file among them that cannot be read: what is not known
            cannot be kept out.
    """
    known = database.write_now(recall)
    chosen = [folder.resolve() for folder in folders]
    given = {str(folder) for folder in chosen}
    files = [file for file in known if file.folder not in given]
    for folder in dict.fromkeys(chosen):
        files += read_excluded(folder, known)
    found = tuple(sorted(files, key=lambda file: (file.folder, file.path)))
    if found == known:
        return False
    database.write_now(lambda c: set_meta(c, _KEY, _FILES.dump_json(found).decode()))
    return True


def recall(connection: sqlite3.Connection) -> tuple[ExcludedFile, ...]:
    """List the pictures of all excluded sets that any build of this workspace was given."""
    value = get_meta(connection, _KEY)
    return _FILES.validate_json(value) if value else ()


def read_excluded(folder: Path, known: Sequence[ExcludedFile] = ()) -> list[ExcludedFile]:
    """Hash every image of a folder; those that are `known` and have not changed are not read again.

    Raises:
        UsageError: no images, or one that cannot be read.
    """
    unchanged = {(f.folder, f.path, f.size, f.changed_ns): f for f in known}
    found: list[ExcludedFile] = []
    for path in list_images(folder).images:
        try:
            stat = (folder / path).stat()
            key = (str(folder), path, stat.st_size, stat.st_mtime_ns)
            file = unchanged.get(key) or ExcludedFile(*key, _hash(folder / path))
        except (ImageReadError, OSError) as error:
            raise UsageError(
                f"the excluded set {str(folder)!r} cannot be read whole: {error}"
            ) from error
        found.append(file)
    return found


def _hash(path: Path) -> int:
    return perceptual_hash(read_image(path).image)


def nearest(
    excluded: Sequence[ExcludedFile], hashes: Iterable[int]
) -> Iterable[tuple[ExcludedFile, int]]:
    """Yield for each perceptual hash the most similar excluded picture, and how many of 64 bits differ."""
    known = np.array([file.perceptual_hash for file in excluded], np.uint64)
    for value in hashes:
        distances = np.bitwise_count(known ^ np.uint64(value))
        index = int(np.argmin(distances))
        yield excluded[index], int(distances[index])


def kept_out(connection: sqlite3.Connection) -> list[KeptOut]:
    """Count for each excluded set the photos that were set aside on its account, sorted by its name."""
    excluded = recall(connection)
    if not excluded:
        return []
    rows = connection.execute(
        "SELECT json_extract(record, '$.perceptual_hash') FROM photo WHERE reason = 'excluded'"
    )
    photos = Counter(file.folder for file, _ in nearest(excluded, (int(h, 16) for (h,) in rows)))
    pictures: Mapping[str, int] = Counter(file.folder for file in excluded)
    return sorted(
        (KeptOut(PurePath(f).name, count, photos[f]) for f, count in pictures.items()),
        key=lambda kept: (kept.name, kept.num_pictures),
    )
