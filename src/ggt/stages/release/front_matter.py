"""YAML as the head of a dataset card needs it: block style, every text quoted as JSON, which is YAML too."""

import json
from collections.abc import Mapping, Sequence
from typing import TypeAlias

Yaml: TypeAlias = "str | int | bool | Sequence[Yaml] | Mapping[str, Yaml]"


def to_yaml(value: Mapping[str, Yaml], indent: str = "") -> str:
    """Write a mapping, one key a line; keys must be plain words."""
    return "".join(f"{indent}{key}:{_value(inner, indent)}" for key, inner in value.items())


def _value(value: Yaml, indent: str) -> str:
    if isinstance(value, str | int):
        return f" {json.dumps(value)}\n"
    if isinstance(value, Mapping):
        return "\n" + to_yaml(value, indent + "  ")
    return "\n" + "".join(_item(item, indent) for item in value)


def _item(item: Yaml, indent: str) -> str:
    if isinstance(item, Mapping):
        written = to_yaml(item, indent + "  ")
        return f"{indent}- {written[len(indent) + 2 :]}"
    return f"{indent}- {json.dumps(item)}\n"
