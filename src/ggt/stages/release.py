"""From accepted pairs to a published dataset: the gate, the crop, the files, and the record of where each came from."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from ggt import plugins
from ggt.errors import GgtError
from ggt.formats import Format, Plan, Row, Sample, Split
from ggt.images import decode_image, encode_png
from ggt.settings.release import ReleaseSettings
from ggt.stages.card import CardFacts, write_card
from ggt.stages.croissant import write_croissant
from ggt.stages.entries import Entry, score_names
from ggt.stages.funnel import steps
from ggt.stages.split import Division
from ggt.stages.whole_folder import check_replaceable, written_whole
from ggt.types import ASSURANCES, NOT_GROUND_TRUTH, Box, Fate, Image, Pair

CHECKSUMS = "CHECKSUMS.sha256"
PROVENANCE = "PROVENANCE.jsonl"
STAMP_KEY = "ggt"
"""The PNG text under which a stamp lies."""
SIDE_MULTIPLE = 8

ReadBlob = Callable[[str], bytes]


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
        entries: what passed the gate.
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
                samples = _samples(contents, split, members, provenance)
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
    contents: Contents, split: Split, members: frozenset[str], provenance: TextIO
) -> Iterator[Sample]:
    """Read, cut and encode one pair at a time; each leaves its line of provenance."""
    count = 0
    for pair in contents.read_pairs(members):
        sample = make_sample(pair, contents.read_blob)
        provenance.write(_provenance(pair, split, sample.row) + "\n")
        count += 1
        yield sample
    if count != len(members):
        raise GgtError(
            f"{len(members)} {split} pairs were counted and {count} were found: the workspace changed "
            "while it was released. Release it again"
        )


def cut_pair(pair: Pair, read_blob: ReadBlob) -> tuple[Image, Image]:
    """Read both sides and cut them to the assessed box; the target is read at the corrected place.

    Raises:
        GgtError: a box that leaves the picture or whose sides are no multiples of 8: a damaged workspace.
    """
    box = pair.assessment.box
    right, down = pair.assessment.correction
    shifted = Box(box.left + right, box.top + down, box.width, box.height)
    lq = _cut(decode_image(read_blob(pair.lq_blob), name=f"lq of {pair.id}").image, box, pair.id)
    gt = decode_image(read_blob(pair.hq_blob), name=f"hq of {pair.id}").image
    return lq, _cut(gt, shifted, pair.id)


def _cut(image: Image, box: Box, identity: str) -> Image:
    height, width = image.shape[:2]
    inside = box.left >= 0 and box.top >= 0
    inside = inside and box.left + box.width <= width and box.top + box.height <= height
    if not inside or box.width % SIDE_MULTIPLE or box.height % SIDE_MULTIPLE or not box.width:
        raise GgtError(
            f"pair {identity}: the box {box} does not fit its picture of {width}x{height}, or is no "
            f"multiple of {SIDE_MULTIPLE}: build the workspace again"
        )
    return image[box.top : box.top + box.height, box.left : box.left + box.width]


def make_sample(pair: Pair, read_blob: ReadBlob) -> Sample:
    """Cut both sides, encode them with their stamp, and gather what the release says of the pair."""
    lq, gt = cut_pair(pair, read_blob)
    text = {} if pair.ground_truth else {STAMP_KEY: NOT_GROUND_TRUTH}
    lq_png, gt_png = encode_png(lq, text=text), encode_png(gt, text=text)
    return Sample(_row(pair, lq, lq_png, gt_png), lq_png, gt_png)


def _row(pair: Pair, lq: Image, lq_png: bytes, gt_png: bytes) -> Row:
    measured = pair.measurements
    return Row(
        id=pair.id,
        category=pair.category,
        severity=measured.severity,
        width=lq.shape[1],
        height=lq.shape[0],
        native_width=measured.width,
        native_height=measured.height,
        scale=pair.scale,
        native_noise_sigma=measured.noise_sigma,
        native_blur_px=measured.blur_px,
        source=pair.photo.source,
        author=pair.photo.author,
        licence=pair.photo.licence,
        url=pair.photo.url,
        group=group_code(pair.group),
        restorer=pair.restorer,
        model=pair.model,
        version=pair.version,
        prompt_strategy=pair.prompt.strategy,
        prompt=pair.prompt.text,
        attempt=pair.attempt,
        sample=pair.sample,
        cost_usd=pair.cost_usd,
        assurance=pair.assurance,
        reviewer=pseudonym(pair.reviewer) if pair.reviewer else None,
        ground_truth=pair.ground_truth,
        stamp="" if pair.ground_truth else NOT_GROUND_TRUTH,
        sha256_lq=hashlib.sha256(lq_png).hexdigest(),
        sha256_gt=hashlib.sha256(gt_png).hexdigest(),
        levels={aspect.aspect: aspect.level for aspect in pair.assessment.aspects},
        scores=pair.assessment.scores,
        trust_map=pair.assessment.trust_map,
    )


def pseudonym(reviewer: str) -> str:
    """Return 12 hex digits for a name: the same person is recognised, not named."""
    return hashlib.sha256(f"reviewer {reviewer}".encode()).hexdigest()[:12]


def group_code(group: str) -> str:
    """Return 12 hex digits for a scene: its name may be a path of the collector's disk."""
    return hashlib.sha256(f"group {group}".encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _provenance(pair: Pair, split: Split, row: Row) -> str:
    """Write what no column holds: the photo, the stored files, the crop and what was found."""
    assessment = pair.assessment
    value = {
        "id": pair.id,
        "split": split,
        "stamp": row.stamp,
        "photo": {
            name: text
            for name, text in asdict(pair.photo).items()
            if name not in ("truth", "category")
        },
        "lq_blob": pair.lq_blob,
        "hq_blob": pair.hq_blob,
        "sha256_lq": row.sha256_lq,
        "sha256_gt": row.sha256_gt,
        "box": asdict(assessment.box),
        "correction": list(assessment.correction),
        "alignment": asdict(assessment.alignment) if assessment.alignment else None,
        "defects": [asdict(defect) for defect in assessment.defects],
        "restorer": pair.restorer,
        "model": pair.model,
        "version": pair.version,
        "prompt": {"strategy": pair.prompt.strategy, "text": pair.prompt.text},
        "attempt": pair.attempt,
        "sample": pair.sample,
        "assurance": pair.assurance,
        "reviewer": row.reviewer,
    }
    # ASCII escapes also carry names that are no valid UTF-8, as file systems allow.
    return json.dumps(value, sort_keys=True)


def _write_checksums(folder: Path) -> None:
    """List every file as `sha256sum --check` reads it."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [f"{_file_sha256(path)}  {path.relative_to(folder).as_posix()}\n" for path in files]
    (folder / CHECKSUMS).write_text("".join(lines), encoding="utf-8", newline="\n")


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
