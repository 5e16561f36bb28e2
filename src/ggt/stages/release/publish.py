"""Release a workspace: its pairs through the gate, its frozen test split, and what its ledger says for the card."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ggt
from ggt import plugins
from ggt.formats import Format
from ggt.judges.measured import shipped
from ggt.settings.quality import QualitySettings
from ggt.stages import outcomes
from ggt.stages.audit import audit
from ggt.stages.exclude import kept_out
from ggt.stages.release.card import CardFacts
from ggt.stages.release.entries import Entry, enter
from ggt.stages.release.split import Division, divide, dump_members, read_members
from ggt.stages.release.terms import check_terms, terms_of
from ggt.stages.release.write import (
    Contents,
    NothingToReleaseError,
    Target,
    check_target,
    fit,
    gate,
    nothing_to_release,
    write_release,
)
from ggt.stages.spending import spending
from ggt.store.blobs import write_durably
from ggt.store.workspace import Reading, open_readonly
from ggt.types import Fate


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What `ggt release` was asked; `licence` is the dataset's, None takes that of its photos if they agree."""

    to: Path
    format_name: str = "parquet"
    num_test: int = 0
    balance: bool = False
    licence: str | None = None
    allow_unknown_licence: bool = False
    acknowledged: tuple[str, ...] = ()
    """Models whose terms bar training and whose outputs are released all the same."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a release holds, and what stayed out: reason -> number of pairs."""

    folder: Path
    num_train: int
    num_test: int
    num_withheld: int
    num_not_ground_truth: int
    num_losers: int
    """Candidates that were turned down and stand beside a pair; 0 unless the format needs them."""
    barred: Mapping[str, int]


def publish(workspace: Path, request: ReleaseRequest) -> Published:
    """Release what a workspace holds now, also while it is being built.

    The test membership is stored in the workspace before the release appears, so that no later release can move a
    published test pair.

    Raises:
        WorkspaceError: not a workspace.
        UnknownPluginError: no such format.
        NothingToReleaseError: no pair passes the gate (says how many fell where), or fits the format.
        UsageError: the target holds something else, the test split would be everything, or a model's terms bar
            training and nobody acknowledged them.
        StorageError: target or workspace cannot be written.
    """
    chosen = plugins.load("formats", request.format_name, Format)
    with open_readonly(workspace) as reading:
        settings = reading.recipe.release
        if request.allow_unknown_licence:
            settings = settings.model_copy(update={"allow_unknown_licence": True})
        fates = list(outcomes.fates(reading))
        passed = gate(enter(outcomes.pairs(reading)), settings)
        if not passed.entries:
            raise NothingToReleaseError(nothing_to_release(passed.barred, fates))
        check_terms(_makers(passed.entries, chosen), request.acknowledged)
        check_target(request.to)
        division = divide(
            passed.entries,
            num_test=request.num_test,
            balance=request.balance,
            frozen=read_members(reading.layout.test_members),
        )
        passed, division = fit(passed, division, chosen)
        facts = _facts(reading, request, passed.entries, fates=fates, barred=passed.barred)
        _freeze(reading.layout.test_members, division.test)
        write_release(
            passed.entries,
            division,
            contents=Contents(
                read_pairs=lambda ids: outcomes.pairs(reading, ids),
                read_blob=reading.layout.read_blob,
            ),
            facts=facts,
            target=Target(request.to, request.format_name, settings),
        )
    return Published(
        folder=request.to,
        num_train=len(division.train),
        num_test=len(division.test),
        num_withheld=len(division.withheld),
        num_not_ground_truth=sum(not entry.ground_truth for entry in passed.entries),
        num_losers=_num_losers(passed.entries, division) if chosen.needs_losers else 0,
        barred=passed.barred,
    )


def _makers(entries: Sequence[Entry], chosen: Format) -> list[str]:
    """Name the restorers whose pictures a release holds, losers' among them where the format has any."""
    found = {entry.maker[0] for entry in entries}
    if chosen.needs_losers:
        found = found.union(*(entry.loser_restorers for entry in entries))
    return sorted(found)


def _num_losers(entries: Sequence[Entry], division: Division) -> int:
    return sum(entry.num_losers for entry in entries if entry.id not in division.withheld)


def _freeze(path: Path, test: frozenset[str]) -> None:
    """Add to the membership; ids that are absent now stay in it, since they may come back."""
    earlier = read_members(path)
    if not test <= set(earlier):
        write_durably(path, dump_members(test | set(earlier)))


def _facts(
    reading: Reading,
    request: ReleaseRequest,
    entries: Sequence[Entry],
    *,
    fates: Sequence[Fate],
    barred: Mapping[str, int],
) -> CardFacts:
    restorers = _makers(entries, plugins.load("formats", request.format_name, Format))
    return CardFacts(
        name=request.to.resolve().name,
        licence=request.licence or _common_licence(entries),
        fates=tuple(fates),
        barred=barred,
        agreement=agreement(reading),
        calibration=calibration(reading.recipe.quality),
        excluded_sets=excluded_sets(reading),
        terms={name: terms_of(name) for name in restorers},
        audit=audit(reading),
        spending=spending(reading),
    )


def _common_licence(entries: Sequence[Entry]) -> str:
    licences = {entry.licence for entry in entries}
    if len(licences) == 1:
        return licences.pop() or "unknown"
    return "mixed: see each row"


def excluded_sets(reading: Reading) -> str:
    """Name the sets that were kept out, and how many photos were set aside for looking like theirs."""
    told = [
        f"{kept.name} (pictures: {kept.num_pictures}, photos set aside for looking like one: {kept.num_photos})"
        for kept in kept_out(reading.ledger)
    ]
    return ", ".join(told) or "none were named"


def calibration(quality: QualitySettings) -> str:
    """Say what quality control was calibrated on, and where its figures are."""
    model = shipped()
    told = (
        f"the judge was fitted by {model.made_by} on {model.num_faults} planted faults and {model.num_good} faithful "
        f"pairs made from {model.num_photos} clean photos, not on this dataset; what it catches and loses, leaving "
        f"one photo out, is the table benchmarks/calibration.md in the source of ggt {ggt.__version__}"
    )
    if quality != QualitySettings():
        told += (
            "; the recipe sets other bounds of quality control, for which those figures do not hold"
        )
    return told


def agreement(reading: Reading) -> str:
    """Compare people's last decisions with what quality control had said of the same candidates."""
    said = {d.candidate: d.choice for d in reading.decisions.all() if d.choice != "regenerate"}
    reviewers = {d.reviewer for d in reading.decisions.all()}
    if not said:
        return "no person decided about any candidate"
    outcome = dict(reading.ledger.execute("SELECT pixel_hash, outcome FROM attempt").fetchall())
    counts = Counter((outcome.get(candidate), choice) for candidate, choice in said.items())
    passed = counts["passed", "accept"] + counts["passed", "reject"]
    rejected = counts["rejected", "accept"] + counts["rejected", "reject"]
    return (
        f"{len(said)} candidates decided by people (reviewers: {len(reviewers)}): "
        f"of {passed} that quality control had passed they rejected {counts['passed', 'reject']}, "
        f"of {rejected} that it had rejected they accepted {counts['rejected', 'accept']}"
    )
