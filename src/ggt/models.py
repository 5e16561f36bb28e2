"""Models behind an interface: rows of models.toml, each an alias for a provider, an id, a price and terms of use.

The user's own file (GGT_MODELS, or models.toml in the user's configuration folder) replaces single fields of a row and
adds rows of its own.
"""

import functools
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ggt.errors import UnknownPluginError, UsageError
from ggt.plugins import unknown

Parameter = str | int | float | bool
ModelKind = Literal["mfm", "vlm"]
SHIPPED = Path(__file__).with_name("models.toml")
_MTOK = 1_000_000


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Price(_Table):
    """What the provider charges, in US dollars; `as_of` is the day on which `source` was read."""

    as_of: date
    source: str
    per_image_usd: float = Field(default=0.0, ge=0)
    """For each image that comes back, at the size that ggt asks for."""
    input_usd_per_mtok: float = Field(default=0.0, ge=0)
    """For a million tokens of prompt and pictures sent."""
    output_usd_per_mtok: float = Field(default=0.0, ge=0)
    """For a million tokens of text that come back, thoughts included."""
    image_usd_per_mtok: float = Field(default=0.0, ge=0)
    """For a million tokens of picture that come back."""


class Terms(_Table):
    """Whether the provider lets its outputs train other models; `as_of` is the day on which `source` was read."""

    as_of: date
    source: str
    may_train: Literal["yes", "no", "unclear"]
    note: str


class Rates(_Table):
    """What a provider takes in a minute; None where nobody stated it."""

    requests_per_minute: int | None = Field(default=None, ge=1)
    images_per_minute: int | None = Field(default=None, ge=1)
    tokens_per_minute: int | None = Field(default=None, ge=1)


class Model(_Table):
    """One row: an mfm (follows a prompt, returns an image) or a vlm (reads images, answers in text)."""

    kind: ModelKind
    title: str
    provider: str
    """The name of a file in providers/."""
    id: str
    """What the provider calls it."""
    api_version: str | None = None
    base_url: str | None = None
    """Where the provider is reached; None is the provider's own address, or that of its environment variable."""
    key_variable: str | None = None
    """The environment variable of the key where it is not the provider's usual one; empty: no key is needed."""
    open_weights: bool
    choice: Literal["paper", "ours"]
    """Whether the paper names it, or we chose it."""
    licence: str
    """Of the weights; `closed` behind an interface."""
    watermark: str
    """What outputs carry, visible or not, as far as it is known."""
    terms: Terms
    price: Price
    rates: Rates = Rates()
    retires_on: date | None = None
    """From this day on the provider no longer serves the id."""
    parameters: dict[str, Parameter] = Field(default_factory=dict[str, Parameter])
    """Sent with every request; names as the provider spells them, all among `accepts`."""
    accepts: tuple[str, ...] = ()
    takes_seed: bool = False
    input_tokens: int = Field(default=16384, ge=1)
    """What one request is reserved for at most: prompt, pictures and schema."""
    max_output_tokens: int = Field(default=4096, ge=1)
    """Sent as a bound where the wire has one; text and picture together."""
    typical_input_tokens: int = Field(default=0, ge=0)
    """What one edit of a 1024 px square usually reads; for estimates only. A vlm's depends on what it is asked."""
    typical_output_tokens: int = Field(default=0, ge=0)
    """Text and thoughts that usually come back with a picture; for estimates only."""
    typical_image_tokens: int = Field(default=0, ge=0)
    """Picture that usually comes back; for estimates only."""
    latency_s: float = Field(default=20.0, gt=0)
    """How long an answer usually takes; for estimates only, ours where no source is named."""
    timeout_s: float = Field(default=300.0, gt=0)
    """How long one answer is waited for; afterwards the send is in doubt."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a provider says that one send used."""

    input_tokens: int = 0
    output_tokens: int = 0
    """Text that came back, thoughts included."""
    image_tokens: int = 0
    """Picture that came back."""
    num_images: int = 0


def cost_usd(model: Model, usage: Usage | None, *, num_images: int) -> float:
    """Say what a send cost: from the usage that came back, else from the table's price of an image.

    `num_images` came back. A send without usage and without an image costs what the table says of nothing: 0.
    """
    price = model.price
    made = max(
        num_images, usage.num_images if usage else 0
    )  # what did not come back may have been made
    flat = price.per_image_usd * made
    if usage is None:
        return flat
    tokens = (
        usage.input_tokens * price.input_usd_per_mtok
        + usage.output_tokens * price.output_usd_per_mtok
        + usage.image_tokens * price.image_usd_per_mtok
    ) / _MTOK
    # A row priced by tokens has its price of an image only for replies that state no usage.
    return tokens if price.image_usd_per_mtok and usage.image_tokens else max(tokens, flat)


def worst_case_usd(model: Model) -> float:
    """Say what one send can cost at most: reserved before it leaves."""
    price = model.price
    dearest = max(price.output_usd_per_mtok, price.image_usd_per_mtok)
    tokens = model.input_tokens * price.input_usd_per_mtok + model.max_output_tokens * dearest
    return max(tokens / _MTOK, price.per_image_usd)


def user_file() -> Path:
    """Say where the user's own rows lie, whether the file exists or not."""
    stated = os.environ.get("GGT_MODELS")
    if stated:
        return Path(stated)
    home = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(home) / "ggt" / "models.toml"


def models() -> Mapping[str, Model]:
    """Read every row by alias, the user's over ours.

    Raises:
        UsageError: a row that cannot be used; the message names file, alias, key and value.
    """
    own = user_file()
    try:
        stamp = own.stat().st_mtime_ns
    except OSError:
        stamp = 0
    return _read(own, stamp)


def find_model(alias: str) -> Model | None:
    """Return the row of an alias, None when there is none."""
    return models().get(alias)


def get_model(alias: str, kind: ModelKind) -> Model:
    """Return the row of an alias.

    Raises:
        UnknownPluginError: no such alias of that kind; the message lists the known ones and the nearest.
    """
    known = {name: model for name, model in models().items() if model.kind == kind}
    if alias in known:
        return known[alias]
    raise UnknownPluginError(unknown(kind, alias, known))


@functools.cache
def _read(own: Path, stamp: int) -> Mapping[str, Model]:
    """Merge both files; `stamp` is the time of the user's, so that a changed file is read again."""
    rows = _rows(SHIPPED)
    if stamp:
        for alias, row in _rows(own).items():
            rows[alias] = _merged(rows.get(alias, {}), row)
    return {alias: _model(alias, row, own) for alias, row in rows.items()}


def _rows(path: Path) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read models from {str(path)!r}: {error}") from None


def _merged(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, object]:
    """Lay a table over another, tables inside likewise."""
    both = dict(old)
    for key, value in new.items():
        before = both.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            both[key] = _merged(before, value)  # pyright: ignore[reportUnknownArgumentType] - TOML
        else:
            both[key] = value
    return both


def _model(alias: str, row: Mapping[str, object], own: Path) -> Model:
    try:
        model = Model.model_validate(row)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"model {alias!r} ({str(own)!r} over ggt's models.toml): {where} = {first['input']!r}: {first['msg']}"
        ) from None
    unknown = sorted(set(model.parameters) - set(model.accepts))
    if unknown:
        raise UsageError(
            f"model {alias!r} does not accept the parameter {unknown[0]!r}: it takes {', '.join(model.accepts)}"
        )
    return model
