"""Parquet tables: what the layouts share that are Parquet files with pictures in them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import cast

from ggt.formats import Plan, Sample, Split, StoredPair
from ggt.formats._arrow import (
    Cell,
    column_names,
    make_schema,
    make_table,
    open_writer,
    read_rows,
)
from ggt.formats._columns import ColumnKind, texts_of
from ggt.formats._shards import cut, number_shards
from ggt.formats._sides import split_of
from ggt.types import ASPECTS

Feature = Mapping[str, "str | Feature"]
"""One feature as `datasets` spells it in JSON."""

PATTERN = "data/{split}-*.parquet"
MEDIA_TYPE = "application/vnd.apache.parquet"
READERS = "datasets.load_dataset(path, streaming=True), the Hugging Face viewer, DuckDB, pandas"

_ROWS_READ_TOGETHER = 4
_NESTED: frozenset[ColumnKind] = frozenset({"texts", "levels", "scores", "trust"})


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a layout: pictures first; `cells(sample)` fills all of them."""

    pictures: tuple[str, ...]
    columns: Mapping[str, ColumnKind]
    cells: Callable[[Sample], dict[str, Cell]]


def write_shards(
    folder: Path, split: Split, samples: Iterable[Sample], *, plan: Plan, table: Table
) -> None:
    """Write `data/{split}-NNNNN-of-NNNNN.parquet` in small row groups, so that a viewer can read one."""
    columns = _written(table, plan)
    metadata = json.dumps({"info": {"features": _features(table, plan)}}, sort_keys=True)
    schema = make_schema(
        table.pictures,
        columns,
        score_names=plan.score_names,
        metadata={"huggingface": metadata},
    )
    plain = [name for name, kind in columns.items() if kind not in _NESTED]
    # A row of three pictures is half as large again as a pair.
    num_rows = max(1, 2 * plan.pairs_per_row_group // len(table.pictures))
    data = folder / "data"
    data.mkdir(exist_ok=True)
    paths: list[Path] = []
    for number, shard in enumerate(cut(samples, plan.shard_bytes)):
        paths.append(data / f"{split}-{number:05d}.parquet")
        writer = open_writer(paths[-1], schema, plain=plain)
        while group := [table.cells(sample) for sample in islice(shard, num_rows)]:
            writer.write_table(make_table(group, schema))
        writer.close()
    number_shards(paths)


def picture_cell(png: bytes, name: str) -> Cell:
    """Fill the cell of a picture, as `datasets` expects it."""
    return {"bytes": png, "path": name}


def _written(table: Table, plan: Plan) -> dict[str, ColumnKind]:
    """Leave out the column of scores where nothing was scored: Parquet has no empty struct."""
    return {n: kind for n, kind in table.columns.items() if kind != "scores" or plan.score_names}


def _features(table: Table, plan: Plan) -> dict[str, Feature]:
    """Say the columns' types in the words of `datasets`."""
    floats: Feature = _value("float32")
    spelled: dict[ColumnKind, Feature] = {
        "text": _value("string"),
        "texts": {"feature": _value("string"), "_type": "List"},
        "int": _value("int32"),
        "float": _value("float64"),
        "bool": _value("bool"),
        "levels": {aspect: _value("int32") for aspect in ASPECTS},
        "scores": {name: _value("float64") for name in plan.score_names},
        "trust": {"feature": {"feature": floats, "_type": "List"}, "_type": "List"},
    }
    pictures: dict[str, Feature] = {name: {"_type": "Image"} for name in table.pictures}
    return pictures | {name: spelled[kind] for name, kind in _written(table, plan).items()}


def _value(dtype: str) -> Feature:
    return {"dtype": dtype, "_type": "Value"}


def parquet_files(folder: Path) -> list[Path]:
    """List the Parquet files in the folder and in its `data`."""
    return sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")])


def any_has_columns(folder: Path, needed: Iterable[str]) -> bool:
    """Say whether a Parquet file that can be read has all of these columns."""
    for path in parquet_files(folder):
        try:
            if set(needed) <= set(column_names(path)):
                return True
        except (OSError, ValueError):  # a damaged file is read, and told of, as any Parquet file
            continue
    return False


def read_pairs(folder: Path, side_of: Callable[[str], str | None]) -> Iterator[StoredPair]:
    """Yield every row; `side_of(column)` says which columns are `lq` and `gt`, as bytes or as an image's struct."""
    for path in parquet_files(folder):
        name = path.relative_to(folder).as_posix()
        split = split_of(path.name)
        try:
            for number, cells in enumerate(read_rows(path, batch_size=_ROWS_READ_TOGETHER)):
                yield _stored(cells, split, where=f"{name} row {number}", side_of=side_of)
        except (OSError, ValueError) as error:
            yield StoredPair("", split, f"{name} ({error})", None, None)


def _stored(
    cells: dict[str, Cell], split: str, *, where: str, side_of: Callable[[str], str | None]
) -> StoredPair:
    pictures = {name: _picture(cell) for name, cell in cells.items()}
    sides = {side_of(name): picture for name, picture in pictures.items() if picture is not None}
    texts = texts_of(cells)
    return StoredPair(texts.get("id", where), split, where, sides.get("lq"), sides.get("gt"), texts)


def _picture(cell: Cell) -> bytes | None:
    """Find the bytes in a cell that is either bytes or a struct with a field of that name."""
    content = dict(cast(Mapping[str, Cell], cell)).get("bytes") if isinstance(cell, dict) else cell
    return content if isinstance(content, bytes) else None
