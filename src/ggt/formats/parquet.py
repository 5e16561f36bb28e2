"""Parquet: one row a pair with both pictures inside, typed so that `datasets` and its viewer show them as pictures."""

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import cast

from ggt.formats import Format, Plan, Sample, Split, StoredPair
from ggt.formats._arrow import Cell, make_schema, make_table, open_writer, read_rows
from ggt.formats._columns import COLUMNS, ColumnKind, finite_scores, texts_of
from ggt.formats._shards import cut, number_shards
from ggt.formats._sides import side_of, split_of
from ggt.types import ASPECTS

Feature = Mapping[str, "str | Feature"]
"""One feature as `datasets` spells it in JSON."""

_ROWS_READ_TOGETHER = 4


def write(folder: Path, split: Split, samples: Iterable[Sample], plan: Plan) -> None:
    """Write `data/{split}-NNNNN-of-NNNNN.parquet` in small row groups, so that a viewer can read one."""
    columns = _columns(plan)
    metadata = json.dumps({"info": {"features": features(plan)}}, sort_keys=True)
    schema = make_schema(columns, plan.score_names, {"huggingface": metadata})
    plain = [name for name, kind in columns.items() if kind not in ("levels", "scores", "trust")]
    data = folder / "data"
    data.mkdir(exist_ok=True)
    paths: list[Path] = []
    for number, shard in enumerate(cut(samples, plan.shard_bytes)):
        paths.append(data / f"{split}-{number:05d}.parquet")
        writer = open_writer(paths[-1], schema, plain=plain)
        while group := [_cells(s) for s in islice(shard, plan.pairs_per_row_group)]:
            writer.write_table(make_table(group, schema))
        writer.close()
    number_shards(paths)


def features(plan: Plan) -> dict[str, Feature]:
    """Say the columns' types in the words of `datasets`."""
    floats: Feature = {"dtype": "float32", "_type": "Value"}
    spelled: dict[ColumnKind, Feature] = {
        "text": _value("string"),
        "int": _value("int32"),
        "float": _value("float64"),
        "bool": _value("bool"),
        "levels": {aspect: _value("int32") for aspect in ASPECTS},
        "scores": {name: _value("float64") for name in plan.score_names},
        "trust": {"feature": {"feature": floats, "_type": "List"}, "_type": "List"},
    }
    pictures: dict[str, Feature] = {"lq": {"_type": "Image"}, "gt": {"_type": "Image"}}
    return pictures | {name: spelled[kind] for name, kind in _columns(plan).items()}


def _value(dtype: str) -> Feature:
    return {"dtype": dtype, "_type": "Value"}


def _columns(plan: Plan) -> dict[str, ColumnKind]:
    """Leave out the column of scores where nothing was scored: Parquet has no empty struct."""
    return {n: kind for n, kind in COLUMNS.items() if kind != "scores" or plan.score_names}


def _cells(sample: Sample) -> dict[str, Cell]:
    row = sample.row
    cells: dict[str, Cell] = {name: getattr(row, name) for name in COLUMNS}
    cells["lq"] = {"bytes": sample.lq_png, "path": f"{row.id}.lq.png"}
    cells["gt"] = {"bytes": sample.gt_png, "path": f"{row.id}.gt.png"}
    cells["levels"] = {aspect: row.levels.get(aspect) for aspect in ASPECTS}
    cells["scores"] = finite_scores(row)
    return cells


def holds(folder: Path) -> bool:
    """Say whether there are Parquet files in the folder or in its `data`."""
    return bool(_files(folder))


def read(folder: Path) -> Iterator[StoredPair]:
    """Yield every row; the sides are the columns named like sides, as bytes or as an image's struct."""
    for path in _files(folder):
        name = path.relative_to(folder).as_posix()
        split = split_of(path.name)
        try:
            for number, cells in enumerate(read_rows(path, batch_size=_ROWS_READ_TOGETHER)):
                yield _stored(cells, split, f"{name} row {number}")
        except (OSError, ValueError) as error:
            yield StoredPair("", split, f"{name} ({error})", None, None)


def _files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.parquet"), *folder.glob("data/*.parquet")])


def _stored(cells: dict[str, Cell], split: str, where: str) -> StoredPair:
    pictures = {name: _picture(cell) for name, cell in cells.items()}
    sides = {side_of(name): picture for name, picture in pictures.items() if picture is not None}
    texts = texts_of(cells)
    return StoredPair(texts.get("id", where), split, where, sides.get("lq"), sides.get("gt"), texts)


def _picture(cell: Cell) -> bytes | None:
    """Find the bytes in a cell that is either bytes or a struct with a field of that name."""
    content = dict(cast(Mapping[str, Cell], cell)).get("bytes") if isinstance(cell, dict) else cell
    return content if isinstance(content, bytes) else None


PLUGIN = Format(
    write=write,
    holds=holds,
    read=read,
    pattern="data/{split}-*.parquet",
    media_type="application/vnd.apache.parquet",
    source="datasets.load_dataset(path, streaming=True), the Hugging Face viewer, DuckDB, pandas",
)
