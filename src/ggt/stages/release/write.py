"""Write: the gate, and a folder that holds the whole release or nothing."""

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from ggt import plugins
from ggt.errors import GgtError
from ggt.formats import Format, Plan, Sample, Split
from ggt.settings.release import ReleaseSettings
from ggt.stages.funnel import steps
from ggt.stages.release.card import CardFacts, write_card
from ggt.stages.release.croissant import write_croissant
from ggt.stages.release.entries import Entry, score_names
from ggt.stages.release.losers import make_preferences
from ggt.stages.release.samples import ReadBlob, make_sample, provenance_line
from ggt.stages.release.split import Division
from ggt.stages.whole_folder import check_replaceable, written_whole
from ggt.types import ASSURANCES, Fate, Pair

CHECKSUMS = "CHECKSUMS.sha256"
PROVENANCE = "PROVENANCE.jsonl"


class NothingToReleaseError(GgtError):
    """No pair passes the gate; nothing was written."""


@dataclass(frozen=True, slots=True)
class Contents:
    """Where a release takes its pairs from: they are read one at a time, as they are written.

    `read_pairs(ids)` yields the pairs of those ids, sorted by id; `read_blob` returns the bytes of a stored PNG file.
    """

    read_pairs: Callable[[Collection[str]], Iterator[Pair]]
    read_blob: ReadBlob


@dataclass(frozen=True, slots=True)
class Gate:
    """What may be released, sorted by id, and why the rest may not: reason -> number of pairs."""

    entries: tuple[Entry, ...]
    barred: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a release goes and how its files are cut; `format_name` is a file of formats/."""

    folder: Path
    format_name: str
    settings: ReleaseSettings


def gate(entries: Iterable[Entry], settings: ReleaseSettings) -> Gate:
    """Keep the pairs whose licence is known and whose assurance suffices."""
    needed = ASSURANCES.index(settings.assurance)
    barred = Counter[str]()
    kept: list[Entry] = []
    for entry in entries:
        if not entry.licence and not settings.allow_unknown_licence:
            barred["unknown_licence"] += 1
        elif ASSURANCES.index(entry.assurance) < needed:
            barred[f"assurance_below_{settings.assurance}"] += 1
        else:
            kept.append(entry)
    return Gate(tuple(sorted(kept, key=lambda entry: entry.id)), dict(sorted(barred.items())))


def fit(passed: Gate, division: Division, chosen: Format) -> tuple[Gate, Division]:
    """Leave out the pairs that a format has no row for, after the split: a test pair is one in every layout.

    Raises:
        NothingToReleaseError: the format needs losers and no pair has one.
    """
    if not chosen.needs_losers:
        return passed, division
    kept = tuple(entry for entry in passed.entries if entry.num_losers)
    ids = {entry.id for entry in kept} - division.withheld
    if not ids:
        raise NothingToReleaseError(
            f"nothing to prefer, and nothing was written: beside none of the {len(passed.entries)} pairs stands a "
            "candidate that was turned down. Release them in another format, or build with more attempts or lanes"
        )
    barred = {**passed.barred, "no_losing_candidate": len(passed.entries) - len(kept)}
    narrowed = replace(division, train=division.train & ids, test=division.test & ids)
    return Gate(kept, {reason: count for reason, count in barred.items() if count}), narrowed


def write_release(
    entries: Sequence[Entry],
    division: Division,
    *,
    contents: Contents,
    facts: CardFacts,
    target: Target,
) -> None:
    """Write a release: all of it appears at once, or nothing does; memory holds a few pairs, however many there are.

    Args:
        entries: what passed the gate and fits the format.
        division: its split, which covers it.
        contents: where the pairs themselves are read.
        facts: what the card says beyond what the pairs themselves say.
        target: a folder that does not exist, is empty, or holds an earlier release, which is replaced.

    Raises:
        NothingToReleaseError: there are no pairs.
        UsageError: the folder holds something else.
        StorageError: the folder cannot be written; what was there is untouched.
    """
    if not entries:
        raise NothingToReleaseError(nothing_to_release(facts.barred, facts.fates))
    check_target(target.folder)
    chosen = plugins.load("formats", target.format_name, Format)
    plan = Plan(
        score_names=score_names(entries),
        pairs_per_row_group=target.settings.pairs_per_row_group,
        shard_bytes=target.settings.shard_mb * 1_000_000,
    )
    with written_whole(target.folder) as folder:
        with (folder / PROVENANCE).open("w", encoding="utf-8", newline="\n") as provenance:
            for split, members in division.sides():
                samples = _samples(contents, split, members, chosen, provenance)
                chosen.write(folder, split, samples, plan)
        write_card(folder, entries, division, chosen=chosen, facts=facts)
        write_croissant(folder, chosen, facts)
        _write_checksums(folder)


def check_target(to: Path) -> None:
    """Refuse a folder that holds anything but a release; raises UsageError."""
    check_replaceable(to, marks=(CHECKSUMS, PROVENANCE), what="release")


def nothing_to_release(barred: Mapping[str, int], fates: Sequence[Fate]) -> str:
    """Say where everything ended, and what to do when pairs were barred."""
    ended = ", ".join(f"{s.num_ended} {s.words}" for s in steps(fates) if s.num_ended)
    told = f"nothing to release, and nothing was written. {len(fates)} lqs: {ended or 'none'}."
    if not barred:
        return told
    reasons = ", ".join(f"{count} {reason}" for reason, count in barred.items())
    return (
        f"{told} Barred: {reasons}. State licences when you build (--licence, a sidecar CSV), have pairs reviewed, "
        "or lower what the recipe demands"
    )


def _samples(
    contents: Contents,
    split: Split,
    members: frozenset[str],
    chosen: Format,
    provenance: TextIO,
) -> Iterator[Sample]:
    """Read, cut and encode one pair at a time; each sample leaves its line of provenance."""
    count = 0
    for pair in contents.read_pairs(members):
        count += 1
        for sample in _samples_of(pair, contents.read_blob, chosen):
            provenance.write(provenance_line(pair, split, sample) + "\n")
            yield sample
    if count != len(members):
        raise GgtError(
            f"{len(members)} {split} pairs were counted and {count} were found: the workspace changed "
            "while it was released. Release it again"
        )


def _samples_of(pair: Pair, read_blob: ReadBlob, chosen: Format) -> Iterator[Sample]:
    if chosen.needs_losers:
        yield from make_preferences(pair, read_blob)
    else:
        yield make_sample(pair, read_blob)


def _write_checksums(folder: Path) -> None:
    """List every file as `sha256sum --check` reads it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{_file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
