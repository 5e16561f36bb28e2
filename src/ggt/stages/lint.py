"""Lint: what is wrong with a paired dataset, anybody's, in any layout that ggt writes."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from ggt import plugins
from ggt.errors import ImageReadError, UsageError
from ggt.formats import Format, StoredPair
from ggt.images import decode_image
from ggt.measure.perceptual_hash import perceptual_hash
from ggt.measure.sides import suspect_swap
from ggt.types import Image

FindingKind = Literal[
    "row_without_images",
    "missing_lq",
    "missing_gt",
    "broken_lq",
    "broken_gt",
    "size_mismatch",
    "identical",
    "swapped",
    "duplicate_id",
    "near_duplicate",
    "group_on_both_sides",
    "checksum",
    "unlisted_file",
    "missing_licence",
]
FINDING_KINDS: tuple[FindingKind, ...] = get_args(FindingKind)

CHECKSUMS = "CHECKSUMS.sha256"
LICENCE_COLUMNS = ("licence", "license")
LICENCE_FILES = ("LICENSE*", "LICENCE*", "license*", "licence*", "COPYING*")
NEAR_BITS = 6
"""Perceptual hashes of two gts this near (of 64 bits) are called near duplicates; ours."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; `where` is a file, row or id, `detail` a sentence with the values."""

    kind: FindingKind
    where: str
    detail: str


@dataclass(frozen=True, slots=True)
class Linted:
    """What lint looked at, all that it found, and advice about what is not wrong but may surprise."""

    format_name: str
    num_pairs: int
    findings: tuple[Finding, ...]
    advice: tuple[str, ...] = ()


@dataclass(slots=True)
class _Seen:
    """What must be compared across pairs: a few numbers for each."""

    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict[str, list[str]](list))
    groups: dict[str, set[str]] = field(default_factory=lambda: defaultdict[str, set[str]](set))
    hashes: dict[str, list[tuple[int, str]]] = field(
        default_factory=lambda: defaultdict[str, list[tuple[int, str]]](list)
    )
    num_unlicensed: int = 0
    num_pairs: int = 0


def lint_dataset(folder: Path, *, advance: Callable[[int], None] | None = None) -> Linted:
    """Look at every pair of a dataset once, a few in memory at a time; `advance(1)` is told of each.

    Raises:
        UsageError: no folder, or one in which no format finds pairs; says what was looked for.
    """
    name = find_format(folder)
    chosen = plugins.load("formats", name, Format)
    seen = _Seen()
    findings: list[Finding] = []
    for pair in chosen.read(folder):
        findings += _lint_pair(pair, seen)
        if advance:
            advance(1)
    findings += _across(seen)
    findings += _licence(folder, seen)
    findings += _checksums(folder)
    return Linted(name, seen.num_pairs, tuple(findings), _advice(folder, name))


def _advice(folder: Path, format_name: str) -> tuple[str, ...]:
    listed = any(next(folder.glob(p), None) for p in ("metadata.jsonl", "*/metadata.jsonl"))
    if format_name != "folders" or listed:
        return ()
    return (
        "datasets.load_dataset reads these folders without an error and loses the pairing: add a "
        "metadata.jsonl with lq_file_name and gt_file_name to each split",
    )


def find_format(folder: Path) -> str:
    """Name the format in which a folder holds pairs.

    Raises:
        UsageError: none does.
    """
    if not folder.is_dir():
        raise UsageError(f"{str(folder)!r} is not a folder")
    formats = {name: plugins.load("formats", name, Format) for name in plugins.names("formats")}
    for name in sorted(formats, key=lambda name: -formats[name].precedence):
        if formats[name].holds(folder):
            return name
    raise UsageError(
        f"{str(folder)!r} holds no pairs that ggt finds: Parquet or tar files (also in data/), a "
        "metadata.jsonl, or a folder lq/ beside one called gt/ or hq/, at most two levels below"
    )


def _lint_pair(pair: StoredPair, seen: _Seen) -> Iterator[Finding]:
    """Check one pair by itself and remember what has to be compared later."""
    seen.num_pairs += 1
    seen.ids[pair.id].append(pair.where)
    if not any(pair.texts.get(column) for column in LICENCE_COLUMNS):
        seen.num_unlicensed += 1
    if group := pair.texts.get("group"):
        seen.groups[group].add(pair.split)
    if pair.lq is None and pair.gt is None:
        yield Finding("row_without_images", pair.where, "has neither an lq nor a gt")
        return
    lq, gt = (_open(pair, side) for side in ("lq", "gt"))
    yield from (opened for opened in (lq, gt) if isinstance(opened, Finding))
    if not isinstance(gt, Finding):
        seen.hashes[pair.split].append((perceptual_hash(gt), pair.where))
        if not isinstance(lq, Finding):
            yield from _compare(pair.where, lq, gt)


def _open(pair: StoredPair, side: Literal["lq", "gt"]) -> Image | Finding:
    """Decode one side, or say what is wrong with it."""
    content = pair.lq if side == "lq" else pair.gt
    if content is None:
        kind: FindingKind = "missing_lq" if side == "lq" else "missing_gt"
        return Finding(kind, pair.where, f"the pair {pair.id!r} has no {side}")
    stated = pair.texts.get(f"sha256_{side}")
    if stated and stated != hashlib.sha256(content).hexdigest():
        return Finding("checksum", pair.where, f"the {side} is not the file that its row describes")
    try:
        return decode_image(content, name=f"{side} of {pair.where}").image
    except ImageReadError as error:
        kind = "broken_lq" if side == "lq" else "broken_gt"
        return Finding(kind, pair.where, str(error))


def _compare(where: str, lq: Image, gt: Image) -> Iterator[Finding]:
    if lq.shape != gt.shape:
        sizes = f"{lq.shape[1]}x{lq.shape[0]} lq, {gt.shape[1]}x{gt.shape[0]} gt"
        yield Finding("size_mismatch", where, sizes)
    elif np.array_equal(lq, gt):
        yield Finding("identical", where, "lq and gt have the same pixels")
    elif told := suspect_swap(lq, gt):
        yield Finding("swapped", where, f"{told}: are the sides swapped?")


def _across(seen: _Seen) -> Iterator[Finding]:
    for identity, places in sorted(seen.ids.items()):
        if len(places) > 1:
            yield Finding("duplicate_id", identity, f"names {len(places)} pairs: {places[:3]}")
    for group, splits in sorted(seen.groups.items()):
        if len(splits) > 1:
            yield Finding("group_on_both_sides", group, f"has pairs in {sorted(splits)}")
    splits = sorted(seen.hashes)
    for index, first in enumerate(splits):
        for second in splits[index + 1 :]:
            yield from _near(seen.hashes[first], seen.hashes[second])


def _near(first: Sequence[tuple[int, str]], second: Sequence[tuple[int, str]]) -> Iterator[Finding]:
    """Compare the hashes of two splits, one against all at a time."""
    few, many = sorted((first, second), key=len)
    hashes = np.array([value for value, _ in many], np.uint64)
    for value, where in few:
        distances = np.bitwise_count(hashes ^ np.uint64(value))
        for index in np.flatnonzero(distances <= NEAR_BITS):
            other = many[int(index)][1]
            detail = f"looks like {other} in another split ({distances[index]} of 64 bits differ)"
            yield Finding("near_duplicate", where, detail)


def _licence(folder: Path, seen: _Seen) -> Iterator[Finding]:
    """A licence is stated in each row, in the card's front matter, or in a file of its own."""
    if any(next(folder.glob(pattern), None) for pattern in LICENCE_FILES):
        return
    card = folder / "README.md"
    front = (
        card.read_text(encoding="utf-8", errors="replace").split("---") if card.is_file() else []
    )
    if len(front) > 2 and not front[0].strip() and "\nlicense:" in front[1]:
        return
    if seen.num_unlicensed:
        detail = (
            f"{seen.num_unlicensed} of {seen.num_pairs} pairs state no licence, nor does the card"
        )
        yield Finding("missing_licence", "README.md", detail)


def _checksums(folder: Path) -> Iterator[Finding]:
    """Compare files with a list of checksums, where there is one."""
    path = folder / CHECKSUMS
    if not path.is_file():
        return
    listed: set[str] = set()
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        stated, _, name = line.partition("  ")
        listed.add(name)
        file = folder / name
        if not file.resolve().is_relative_to(folder.resolve()) or not file.is_file():
            yield Finding("checksum", name, "is listed and does not exist")
            continue
        with file.open("rb") as opened:
            found = hashlib.file_digest(opened, "sha256").hexdigest()
        if found != stated:
            yield Finding("checksum", name, f"has sha256 {found}, listed is {stated}")
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = file.relative_to(folder).as_posix()
        if name not in listed and name != CHECKSUMS and not name.startswith("."):
            yield Finding("unlisted_file", name, f"is not in {CHECKSUMS}")


def count_by_kind(findings: Iterable[Finding]) -> dict[FindingKind, int]:
    """Count findings, in the order of `FINDING_KINDS`."""
    counts = Counter(finding.kind for finding in findings)
    return {kind: counts[kind] for kind in FINDING_KINDS if counts[kind]}
