"""Catalogue: every model of models.toml, and what this machine lacks for asking it."""

import importlib.util
from dataclasses import dataclass
from datetime import date

from ggt import plugins
from ggt.errors import GgtError
from ggt.models import Model, models, user_file
from ggt.providers import Provider
from ggt.providers._keys import find_key, missing_key
from ggt.stages.services import key_variable_of


@dataclass(frozen=True, slots=True)
class Entry:
    """One model as `ggt models` shows it; `lacks` is empty when it can be asked now."""

    alias: str
    model: Model
    lacks: tuple[str, ...]


def catalogue(today: date) -> list[Entry]:
    """List every model, mfms first, in the order of models.toml."""
    rows = sorted(models().items(), key=lambda item: item[1].kind)
    return [Entry(alias, model, tuple(lacks(model, today))) for alias, model in rows]


def lacks(model: Model, today: date) -> list[str]:
    """Say everything that would end a build before its first paid call, each with its remedy; nothing is sent."""
    found = [_retired(model)] if days_left(model, today) == 0 else []
    try:
        provider = plugins.load("providers", model.provider, Provider)
    except GgtError as error:
        return [*found, f"{error} (its row is ggt's own, or in {str(user_file())!r})"]
    variable = key_variable_of(model)
    if variable and find_key(variable) is None:
        found.append(missing_key(variable))
    absent = [name for name in provider.packages if not _importable(name)]
    if absent:
        found.append(_not_installed(absent, provider.extra))
    # A provider looks for weights with its own packages, so without them there is nothing to ask.
    missing = None if absent else provider.missing(model)
    return [*found, missing] if missing else found


def days_left(model: Model, today: date) -> int | None:
    """Count the days on which the id is still served; None when no end is announced."""
    return None if model.retires_on is None else max(0, (model.retires_on - today).days)


def retirement(model: Model, today: date) -> str:
    """Say until when the provider serves the id, as far as it is announced."""
    if model.retires_on is None:
        return "not announced"
    days = days_left(model, today)
    return f"{model.retires_on}, in {days} days" if days else f"retired on {model.retires_on}"


def price_text(model: Model) -> str:
    """Write what a picture, or a million tokens, costs."""
    price = model.price
    if price.per_image_usd:
        return f"${price.per_image_usd:g} an image"
    if price.input_usd_per_mtok or price.output_usd_per_mtok:
        return (
            f"${price.input_usd_per_mtok:g} in, ${price.output_usd_per_mtok:g} out a million tokens"
        )
    return "nothing"


def _retired(model: Model) -> str:
    return (
        f"{model.id} was retired on {model.retires_on}: choose another model, "
        f"or put its successor's id into {str(user_file())!r}"
    )


def _importable(name: str) -> bool:
    """Look for a module without importing it; a module inside a package that is not there is an error of its own."""
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def _not_installed(names: list[str], extra: str | None) -> str:
    install = f"'ggt[{extra}]'" if extra else " ".join(names)
    return f"{', '.join(names)} is not installed: pip install {install}"
