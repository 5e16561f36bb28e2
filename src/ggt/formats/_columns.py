"""The columns of a pair: one table from which every format derives its own."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from ggt.formats import Row
from ggt.types import ASPECTS

ColumnKind = Literal["text", "texts", "int", "float", "bool", "levels", "scores", "trust"]
Flat = str | int | float | bool

NOT_ASSESSED = 0
"""Stands for a level in the flat form, where a column may hold no nulls."""

_KINDS: Mapping[str, ColumnKind] = {
    "severity": "float",
    "width": "int",
    "height": "int",
    "native_width": "int",
    "native_height": "int",
    "scale": "float",
    "native_noise_sigma": "float",
    "native_blur_px": "float",
    "attempt": "int",
    "sample": "int",
    "cost_usd": "float",
    "ground_truth": "bool",
    "levels": "levels",
    "scores": "scores",
    "trust_map": "trust",
}

_PLAIN: Mapping[ColumnKind, Callable[..., Flat]] = {
    "text": str,
    "int": int,
    "float": float,
    "bool": bool,
}

COLUMNS: Mapping[str, ColumnKind] = {
    column.name: _KINDS.get(column.name, "text") for column in fields(Row)
}
"""Name -> kind of every column besides the two pictures, in the order of `Row`."""


def finite_scores(row: Row) -> dict[str, float]:
    """Leave out what no table can hold: the infinite PSNR of two equal pictures, say."""
    return {
        name: float(value) for name, value in sorted(row.scores.items()) if math.isfinite(value)
    }


def flat(row: Row) -> dict[str, Flat]:
    """Turn a row into plain values for formats whose readers guess types from the first rows.

    No value is ever null and none is nested, since a guess from one split must fit the other: unknown texts are
    empty, levels become one column an aspect with 0 for not assessed, scores and trust map are JSON texts.
    """
    values: dict[str, Flat] = {}
    for name, kind in COLUMNS.items():
        if kind == "levels":
            values |= {f"level_{a}": row.levels.get(a) or NOT_ASSESSED for a in ASPECTS}
        elif kind == "scores":
            values[name] = json.dumps(finite_scores(row))
        elif kind == "trust":
            values[name] = json.dumps(row.trust_map) if row.trust_map else ""
        else:
            value = getattr(row, name)
            values[name] = "" if value is None else _PLAIN[kind](value)
    return values


def flat_line(values: Mapping[str, Flat]) -> str:
    """Write one JSON object on one line; raises ValueError for a value that JSON has no word for."""
    return json.dumps(values, ensure_ascii=False, allow_nan=False)


_OBJECT = TypeAdapter(dict[str, object])


def read_texts(content: bytes | str) -> dict[str, str] | None:
    """Read the plain values of one JSON object as texts; None when it is no object."""
    try:
        return texts_of(_OBJECT.validate_json(content))
    except ValidationError:
        return None


def texts_of(values: Mapping[str, object]) -> dict[str, str]:
    """Keep the plain values, as texts."""
    return {name: str(v) for name, v in values.items() if isinstance(v, str | int | float)}
