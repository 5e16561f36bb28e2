"""Sources: where photos come from, one file each."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ggt.types import Photo


@dataclass(frozen=True, slots=True)
class Source:
    """What a file of this folder adds.

    `find(root)` yields every photo below a folder, sorted by path, without opening it.
    """

    find: Callable[[Path], Iterator[Photo]]
    source: str
