"""A plugin is a file: its name is the plugin's name, its `PLUGIN` is what the file adds.

A kind is a folder of ggt (`metrics`, `faults`, ...) and an entry point group of the same name
(`ggt.metrics`) for files that
live in other packages. Listing names imports nothing.
"""

import difflib
import functools
import importlib
import pkgutil
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TypeVar

from ggt.errors import GgtError, UnknownPluginError

PACKAGE_FOLDER = Path(__file__).parent

PluginT = TypeVar("PluginT")


def names(kind: str) -> list[str]:
    """List the names of a kind, sorted: its files that do not start with `_`, and what other packages add."""
    files = {
        module.name
        for module in pkgutil.iter_modules([str(PACKAGE_FOLDER / kind)])
        if not module.name.startswith("_")
    }
    return sorted(files | set(_added(kind)))


def load(kind: str, name: str, contract: type[PluginT] | tuple[type[PluginT], ...]) -> PluginT:
    """Import one plugin and check that it is what its kind promises, or one of several promises.

    Raises:
        UnknownPluginError: no such name; the message lists the known ones and the nearest.
    """
    if name not in names(kind):
        raise UnknownPluginError(unknown(kind.removesuffix("s"), name, names(kind)))
    added = _added(kind).get(name)
    module = added.load() if added else importlib.import_module(f"ggt.{kind}.{name}")
    plugin = getattr(module, "PLUGIN", None)
    if not isinstance(plugin, contract):
        promises = contract if isinstance(contract, tuple) else (contract,)
        raise GgtError(
            f"{module.__name__}.PLUGIN is {plugin!r}, not a {' or '.join(c.__name__ for c in promises)}: "
            f"see docs/add-a-{kind.removesuffix('s')}.md"
        )
    return plugin


@functools.cache  # reading every installed package's entry points takes milliseconds
def _added(kind: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=f"ggt.{kind}")}


def unknown(what: str, name: str, known: Iterable[str]) -> str:
    """Say that no `what` has a name: the nearest, and all that are known."""
    listed = list(known)
    nearest = difflib.get_close_matches(name, listed, n=1)
    guess = f" Did you mean {nearest[0]!r}?" if nearest else ""
    return f"no {what} is named {name!r}.{guess} Known: {', '.join(listed)}"
