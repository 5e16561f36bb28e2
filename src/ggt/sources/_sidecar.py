"""The sidecar: a CSV beside the photos that says of each where it comes from and what it shows."""

import csv
import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ggt.errors import UsageError
from ggt.types import CATEGORIES, Category

_SAYS_NOTHING = ("", "clean")
"""Cells of the column category that state no degradation: the photo is measured instead."""
_NAMES = {"license": "licence"}


@dataclass(frozen=True, slots=True)
class Row:
    """What a sidecar states of one file; an empty cell is None. `truth` is an absolute path."""

    number: int
    source: str | None = None
    author: str | None = None
    licence: str | None = None
    url: str | None = None
    scene: str | None = None
    category: Category | None = None
    truth: str | None = None


def read_sidecar(path: Path) -> dict[str, Row]:
    """Read a CSV with the column `file` (relative to the CSV's folder) and any of the columns of `Row`.

    Other columns are ignored; `license` is `licence`; `truth` is relative to the CSV's folder too.

    Raises:
        UsageError: no CSV, no such column, or a cell that cannot be used: the message names row and column,
            the header being row 1.
    """
    stated: dict[str, Row] = {}
    for number, cells in _cells(path):
        file = cells["file"].replace("\\", "/").removeprefix("./")
        if not file:
            raise UsageError(f"{str(path)!r} row {number}, column 'file': the cell is empty")
        if file in stated:
            raise UsageError(
                f"{str(path)!r} row {number}, column 'file': {file!r} stands in row {stated[file].number} already"
            )
        stated[file] = Row(
            number=number,
            source=cells.get("source") or None,
            author=cells.get("author") or None,
            licence=cells.get("licence") or None,
            url=cells.get("url") or None,
            scene=cells.get("scene") or None,
            category=_category(cells.get("category", ""), path, number),
            truth=_truth(cells.get("truth", ""), path, number),
        )
    return stated


def _cells(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file, strict=True)
            header = _header(rows)
            _check_header(header, path)
            for number, row in enumerate(rows, start=2):
                if not any(row):
                    continue
                if len(row) > len(header):
                    raise UsageError(
                        f"{str(path)!r} row {number} has {len(row)} cells and the header {len(header)}: "
                        "put cells that hold commas between double quotes"
                    )
                yield number, dict(zip(header, _trimmed(row), strict=False))
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(path)!r} is not UTF-8 ({error}): save it as CSV UTF-8") from error
    except csv.Error as error:
        raise UsageError(f"{str(path)!r} is not a CSV: {error}") from error
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror}") from error


def _header(rows: Iterator[list[str]]) -> list[str]:
    for row in rows:
        return [_NAMES.get(name, name) for name in _trimmed(row, lower=True)]
    return []


def _trimmed(row: list[str], *, lower: bool = False) -> list[str]:
    return [cell.strip().lower() if lower else cell.strip() for cell in row]


def _check_header(header: list[str], path: Path) -> None:
    if "file" not in header:
        raise UsageError(
            f"{str(path)!r} row 1 has no column 'file' (found: {', '.join(header) or 'nothing'}): "
            "name the column that holds the photos' paths 'file'"
        )
    for name in header:
        if name and header.count(name) > 1:
            raise UsageError(f"{str(path)!r} row 1 has the column {name!r} more than once")


def _category(cell: str, path: Path, number: int) -> Category | None:
    wanted = cell.lower()
    if wanted in _SAYS_NOTHING:
        return None
    for category in CATEGORIES:
        if wanted == category:
            return category
    nearest = difflib.get_close_matches(wanted, get_args(Category), n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    raise UsageError(
        f"{str(path)!r} row {number}, column 'category': {cell!r} is no category.{guess} "
        f"Known: {', '.join(CATEGORIES)}; leave the cell empty to have the photo measured"
    )


def _truth(cell: str, path: Path, number: int) -> str | None:
    if not cell:
        return None
    truth = (path.parent / cell).resolve()
    if not truth.is_file():
        raise UsageError(
            f"{str(path)!r} row {number}, column 'truth': there is no file {str(truth)!r}"
        )
    return str(truth)
