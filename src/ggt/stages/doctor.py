"""Doctor: what is installed, which extra or weight is missing, and how to get it."""

import os
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from ggt import plugins
from ggt.metrics import FullReference, NoReference
from ggt.weights.imported import remedy, state_of, weights_folder
from ggt.weights.registry import KNOWN

State = Literal["ok", "missing", "broken"]

KINDS = (
    "sources",
    "degradations",
    "faults",
    "restorers",
    "providers",
    "vlms",
    "prompts",
    "judges",
    "metrics",
    "formats",
    "reports",
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `remedy` is empty when nothing is wrong."""

    what: str
    state: State
    detail: str
    remedy: str = ""
    needed: bool = True
    """False for extras and weights: ggt works without them."""


def examine() -> list[Finding]:
    """Look at Python, every dependency, the plugins, the weights and the temporary folder."""
    return [
        Finding("python", "ok", sys.version.split()[0]),
        *_packages(),
        *(Finding(kind, "ok", ", ".join(plugins.names(kind))) for kind in KINDS),
        *_weights(),
        *_metrics(),
        _temporary_folder(),
        Finding("processors", "ok", str(os.cpu_count())),
    ]


def _packages() -> list[Finding]:
    found: list[Finding] = []
    for text in requires("ggt") or []:
        requirement = Requirement(text)
        extra = str(requirement.marker).partition('extra == "')[2].strip('"')
        if extra == "dev":
            continue
        found.append(_package(requirement, extra))
    return sorted(found, key=lambda finding: (not finding.needed, finding.what))


def _package(requirement: Requirement, extra: str) -> Finding:
    install = f"pip install 'ggt[{extra}]'" if extra else "pip install --upgrade ggt"
    try:
        installed = version(requirement.name)
    except PackageNotFoundError:
        return Finding(requirement.name, "missing", "not installed", install, needed=not extra)
    if not requirement.specifier.contains(installed, prereleases=True):
        detail = f"{installed}, and ggt needs {requirement.specifier}"
        return Finding(requirement.name, "broken", detail, install, needed=not extra)
    return Finding(requirement.name, "ok", installed, needed=not extra)


def _weights() -> list[Finding]:
    folder = str(weights_folder())
    return [
        Finding(f"weights {known.name}", "ok", f"{known.purpose}, in {folder!r}", needed=False)
        if state_of(known) == "imported"
        else Finding(f"weights {known.name}", "missing", known.purpose, remedy(known), needed=False)
        for known in KNOWN
    ]


def _metrics() -> list[Finding]:
    found: list[Finding] = []
    for name in plugins.names("metrics"):
        metric = plugins.load("metrics", name, (FullReference, NoReference))
        found.append(Finding(f"metric {name}", "ok", metric.definition, needed=False))
    return found


def _temporary_folder() -> Finding:
    folder = Path(tempfile.gettempdir())
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"x")
    except OSError as error:
        advice = "set TMPDIR to a folder with space"
        return Finding("temporary folder", "broken", f"{str(folder)!r}: {error.strerror}", advice)
    return Finding("temporary folder", "ok", str(folder))
