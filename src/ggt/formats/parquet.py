"""Parquet: one row a pair with both pictures inside, typed so that `datasets` and its viewer show them as pictures."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from ggt.formats import Format, Plan, Sample, Split, StoredPair
from ggt.formats._arrow import Cell
from ggt.formats._columns import COLUMNS, finite_scores
from ggt.formats._parquet import (
    MEDIA_TYPE,
    PATTERN,
    READERS,
    Table,
    parquet_files,
    picture_cell,
    read_pairs,
    write_shards,
)
from ggt.formats._sides import side_of
from ggt.types import ASPECTS


def write(folder: Path, split: Split, samples: Iterable[Sample], plan: Plan) -> None:
    """Write `data/{split}-NNNNN-of-NNNNN.parquet`."""
    write_shards(folder, split, samples, plan=plan, table=_TABLE)


def _cells(sample: Sample) -> dict[str, Cell]:
    row = sample.row
    cells: dict[str, Cell] = {name: getattr(row, name) for name in COLUMNS}
    cells["lq"] = picture_cell(sample.lq_png, f"{row.id}.lq.png")
    cells["gt"] = picture_cell(sample.gt_png, f"{row.id}.gt.png")
    cells["levels"] = {aspect: row.levels.get(aspect) for aspect in ASPECTS}
    cells["scores"] = finite_scores(row)
    return cells


_TABLE = Table(("lq", "gt"), COLUMNS, _cells)


def holds(folder: Path) -> bool:
    """Say whether there are Parquet files in the folder or in its `data`."""
    return bool(parquet_files(folder))


def read(folder: Path) -> Iterator[StoredPair]:
    """Yield every row; the sides are the columns named like sides, as bytes or as an image's struct."""
    return read_pairs(folder, side_of)


PLUGIN = Format(
    write=write,
    holds=holds,
    read=read,
    pattern=PATTERN,
    media_type=MEDIA_TYPE,
    source=READERS,
    precedence=1,
)
