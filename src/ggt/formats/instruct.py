"""Instruct: Parquet rows of lq, hq and an instruction, as editors that follow instructions are trained on.

The instruction is the category's fixed sentence, never the prompt that the target was made with: a prompt written for
one picture tells what is in it, and a model that is trained on such prompts learns to need them.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ggt.formats import Format, Plan, Sample, Split, StoredPair
from ggt.formats._arrow import Cell
from ggt.formats._columns import COLUMNS, ColumnKind
from ggt.formats._meanings import PAIR_MEANINGS, Meaning
from ggt.formats._parquet import (
    MEDIA_TYPE,
    PATTERN,
    READERS,
    Table,
    any_has_columns,
    picture_cell,
    read_pairs,
    write_shards,
)
from ggt.formats._sides import side_of

_TAKEN = (
    "id",
    "instruction",
    "category",
    "severity",
    "width",
    "height",
    "source",
    "author",
    "licence",
    "url",
    "group",
    "restorer",
    "model",
    "version",
    "assurance",
    "ground_truth",
    "stamp",
    "sha256_lq",
    "trust_map",
)
_COLUMNS: Mapping[str, ColumnKind] = {
    **{name: COLUMNS[name] for name in _TAKEN},
    "sha256_hq": COLUMNS["sha256_gt"],
}


def write(folder: Path, split: Split, samples: Iterable[Sample], plan: Plan) -> None:
    """Write `data/{split}-NNNNN-of-NNNNN.parquet`."""
    write_shards(folder, split, samples, plan=plan, table=_TABLE)


def _cells(sample: Sample) -> dict[str, Cell]:
    row = sample.row
    cells: dict[str, Cell] = {name: getattr(row, name) for name in _TAKEN}
    cells["sha256_hq"] = row.sha256_gt
    cells["lq"] = picture_cell(sample.lq_png, f"{row.id}.lq.png")
    cells["hq"] = picture_cell(sample.gt_png, f"{row.id}.hq.png")
    return cells


_TABLE = Table(("lq", "hq"), _COLUMNS, _cells)


def holds(folder: Path) -> bool:
    """Say whether a Parquet file has an lq, an hq and an instruction."""
    return any_has_columns(folder, ("lq", "hq", "instruction"))


def read(folder: Path) -> Iterator[StoredPair]:
    """Yield every row; the gt is its hq."""
    for pair in read_pairs(folder, side_of):
        texts = {**pair.texts, "sha256_gt": pair.texts.get("sha256_hq", "")}
        yield StoredPair(pair.id, pair.split, pair.where, pair.lq, pair.gt, texts)


def _meanings() -> Iterator[Meaning]:
    """Take over what is said of a pair's columns, as far as they are here."""
    yield (("lq", "hq"), "the two pictures, lossless PNG, sides multiples of 8")
    for names, text in PAIR_MEANINGS:
        kept = tuple(name for name in names if name in _TAKEN and name != "sha256_lq")
        if kept:
            yield kept, text
    yield (("sha256_lq", "sha256_hq"), "of the two PNG files")


PLUGIN = Format(
    write=write,
    holds=holds,
    read=read,
    pattern=PATTERN,
    media_type=MEDIA_TYPE,
    source=READERS,
    columns=("lq", "hq"),
    about=(
        "`lq` is a low-quality picture, `hq` a restored target that quality control accepted for it, `instruction` "
        "what leads from one to the other."
    ),
    meanings=tuple(_meanings()),
    precedence=2,
)
