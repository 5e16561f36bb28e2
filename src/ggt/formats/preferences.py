"""Preferences: Parquet rows of an lq, the chosen target and a candidate that lost against it, with the reasons.

One row for each candidate that quality control or a person turned down: what reward models and preference training
(DPO and its kin) are fed with. All three pictures are cut alike.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from ggt.formats import Format, Plan, Sample, Split, StoredPair
from ggt.formats._arrow import Cell
from ggt.formats._columns import COLUMNS, ColumnKind
from ggt.formats._meanings import Meaning
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
from ggt.types import ASPECTS

_PICTURES = ("lq", "chosen", "rejected")
_SIDES = {"lq": "lq", "chosen": "gt"}
# fmt: off
_OF_ROW = (
    "category", "instruction", "severity", "width", "height", "source", "author", "licence", "url", "group",
    "assurance", "reviewer", "stamp", "sha256_lq",
)
"""Columns that say the same as those of a pair."""
_OF_BOTH = ("restorer", "model", "version", "prompt_strategy", "prompt", "attempt", "sample", "ground_truth")
"""Columns of a pair that stand here twice, as `chosen_...` and `rejected_...`."""
# fmt: on
_OWN: dict[str, ColumnKind] = {
    "id": "text",
    "pair": "text",
    "lost_at": "text",
    "lost_aspects": "texts",
    "marked": "texts",
    "chosen_levels": "levels",
    "rejected_levels": "levels",
    "defects": "text",
    "ground_truth": "bool",
    "sha256_chosen": "text",
    "sha256_rejected": "text",
}
_COLUMNS: Mapping[str, ColumnKind] = {
    **_OWN,
    **{f"{side}_{name}": COLUMNS[name] for name in _OF_BOTH for side in ("chosen", "rejected")},
    **{name: COLUMNS[name] for name in _OF_ROW},
}


def write(folder: Path, split: Split, samples: Iterable[Sample], plan: Plan) -> None:
    """Write `data/{split}-NNNNN-of-NNNNN.parquet`."""
    write_shards(folder, split, samples, plan=plan, table=_TABLE)


def _cells(sample: Sample) -> dict[str, Cell]:
    row, lost = sample.row, sample.lost
    assert lost is not None, "a format that needs losers was given a pair without one"
    cells: dict[str, Cell] = {name: getattr(row, name) for name in _OF_ROW}
    cells |= {f"chosen_{name}": getattr(row, name) for name in _OF_BOTH}
    cells |= {f"rejected_{name}": getattr(lost, name) for name in _OF_BOTH}
    return cells | {
        "id": sample.id,
        "pair": row.id,
        "lq": picture_cell(sample.lq_png, f"{sample.id}.lq.png"),
        "chosen": picture_cell(sample.gt_png, f"{sample.id}.chosen.png"),
        "rejected": picture_cell(lost.png, f"{sample.id}.rejected.png"),
        "lost_at": lost.stage,
        "lost_aspects": list(lost.aspects),
        "marked": list(lost.marked),
        "chosen_levels": {aspect: row.levels.get(aspect) for aspect in ASPECTS},
        "rejected_levels": {aspect: lost.levels.get(aspect) for aspect in ASPECTS},
        "defects": json.dumps([asdict(defect) for defect in lost.defects], sort_keys=True),
        "ground_truth": row.ground_truth and lost.ground_truth,
        "sha256_chosen": row.sha256_gt,
        "sha256_rejected": lost.sha256,
    }


_TABLE = Table(_PICTURES, _COLUMNS, _cells)


def holds(folder: Path) -> bool:
    """Say whether a Parquet file has an lq, a chosen and a rejected picture."""
    return any_has_columns(folder, _PICTURES)


def read(folder: Path) -> Iterator[StoredPair]:
    """Yield every row as the pair of its lq and what was chosen."""
    for pair in read_pairs(folder, _SIDES.get):
        texts = {**pair.texts, "sha256_gt": pair.texts.get("sha256_chosen", "")}
        yield StoredPair(pair.id, pair.split, pair.where, pair.lq, pair.gt, texts)


def _twice(*names: str) -> tuple[str, ...]:
    return tuple(f"{side}_{name}" for name in names for side in ("chosen", "rejected"))


_MEANINGS: tuple[Meaning, ...] = (
    (_PICTURES, "the three pictures, lossless PNG, cut alike, sides multiples of 8"),
    (("id",), "the pair's id and eight digits for the candidate that lost"),
    (("pair",), "id of the pair, the same in every layout; starts the hash of the lq's pixels"),
    (("lost_at",), "who turned the candidate down: align, screen, judge, or a person"),
    (("lost_aspects",), "in which aspects it is worse than what was chosen"),
    (("marked",), "what people gave as reasons: aspects or kinds of fault"),
    (
        _twice("levels"),
        "five aspects of each side, 1 (unusable) to 5 (flawless); null where not assessed",
    ),
    (
        ("defects",),
        "what was found in the candidate, as JSON: aspect, kind, severity 0 to 1, a sentence, and its "
        "box in pixels of these pictures",
    ),
    (
        _twice("restorer", "model", "version"),
        "who made each side; the version is what the provider said answered",
    ),
    (
        _twice("prompt_strategy", "prompt", "attempt", "sample"),
        "how it was asked, which try it was",
    ),
    (_twice("ground_truth"), "false for what the classical engine or the simulator made"),
    (("category", "severity"), "kind of degradation; how strong within it, 0 to 1"),
    (("instruction",), "what to do with an lq of the category; says nothing of its content"),
    (("width", "height"), "of the pictures"),
    (("source", "author", "licence", "url"), "as stated for the photo"),
    (("group",), "shared by photos of one scene and near duplicates"),
    (("assurance", "reviewer"), "how the pair was accepted; a pseudonym of the person"),
    (("ground_truth", "stamp"), "false and `not-ground-truth` where either side is none"),
    (("sha256_lq", "sha256_chosen", "sha256_rejected"), "of the three PNG files"),
)

PLUGIN = Format(
    write=write,
    holds=holds,
    read=read,
    pattern=PATTERN,
    media_type=MEDIA_TYPE,
    source=READERS,
    columns=_PICTURES,
    about=(
        "`lq` is a low-quality picture, `chosen` a restored target that quality control accepted for it, `rejected` a "
        "candidate for the same lq that was turned down."
    ),
    meanings=_MEANINGS,
    needs_losers=True,
    precedence=2,
)
