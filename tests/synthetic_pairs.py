"""Small synthetic pairs for the tests of release, lint and report: each id's pixels can be told from any other's."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ggt import plugins
from ggt.formats import Format
from ggt.images import encode_png
from ggt.settings.release import ReleaseSettings
from ggt.stages.release.card import CardFacts
from ggt.stages.release.entries import enter
from ggt.stages.release.split import divide
from ggt.stages.release.write import Contents, Gate, Target, fit, write_release
from ggt.types import (
    ASPECTS,
    TRUST_CELLS,
    AspectVerdict,
    Assessment,
    Box,
    Defect,
    Fate,
    Image,
    Loser,
    Measurements,
    Pair,
    Photo,
    Prompt,
)

SIDE = 80
BOX = Box(8, 0, 64, 72)


@dataclass
class Blobs:
    """Stored PNG files in memory."""

    files: dict[str, bytes] = field(default_factory=dict)

    def add(self, image: Image) -> str:
        data = encode_png(image)
        sha256 = hashlib.sha256(data).hexdigest()
        self.files[sha256] = data
        return sha256

    def read(self, sha256: str) -> bytes:
        return self.files[sha256]


def pair_id(number: int) -> str:
    return hashlib.sha256(f"pair {number}".encode()).hexdigest()[:16]


def scene(number: int, side: int = SIDE) -> Image:
    """A sharp picture that only this number has: random blocks."""
    rng = np.random.default_rng(number)
    blocks = rng.integers(30, 226, (side // 8, side // 8, 3), dtype=np.uint8)
    return np.kron(blocks, np.ones((8, 8, 1), np.uint8))


def spoiled(image: Image, number: int) -> Image:
    """The same picture with noise."""
    noise = np.random.default_rng(1000 + number).normal(0, 12, image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def worse(number: int) -> Image:
    """The same scene with its colours turned: what a judge turns down."""
    return np.ascontiguousarray(scene(number)[:, :, ::-1])


def make_loser(number: int, blobs: Blobs, **changes) -> Loser:
    """A candidate of the same size that lost by its colours."""
    hue = Defect("colour_consistency", "hue", 0.9, "turned by 120 degrees", Box(16, 8, 16, 16))
    levels = (4, 4, 4, None, 1)
    loser = Loser(
        blob=blobs.add(worse(number)),
        box=Box(0, 0, SIDE, SIDE),
        correction=(0, 0),
        alike=True,
        aspects=tuple(
            AspectVerdict(aspect, level, 0.9, (hue,) if level == 1 else ())
            for aspect, level in zip(ASPECTS, levels, strict=True)
        ),
        stage="judge",
        marked=(),
        restorer="dauber",
        model="dauber-1",
        version="dauber-1.0",
        prompt=Prompt("fixed", "Paint it anew."),
        attempt=1,
        sample=2,
        ground_truth=True,
    )
    return replace(loser, **changes)


def make_pair(
    number: int,
    blobs: Blobs,
    *,
    category="general",
    severity=0.2,
    group=None,
    licence="CC-BY-4.0",
    correction=(0, 0),
    box=BOX,
    ground_truth=True,
    assurance="measured",
    path=None,
    reviewer=None,
    losers=None,
    rivals=(),
) -> Pair:
    clean = scene(number)
    moved = np.roll(clean, (correction[1], correction[0]), axis=(0, 1))
    return Pair(
        id=pair_id(number),
        photo=Photo(
            path=path or f"photo {number}.jpg", licence=licence, author="Ann", source="made up"
        ),
        category=category,
        measurements=Measurements(
            SIDE, SIDE, 12.0, 0.8, 1.0, 0.4, 0.1, 0.5, 0.3, severity=severity
        ),
        scale=1.0,
        lq_blob=blobs.add(spoiled(clean, number)),
        hq_blob=blobs.add(moved),
        truth_blob=None,
        assessment=Assessment(
            verdict="accept",
            stage=None,
            reasons=(),
            aspects=tuple(AspectVerdict(aspect, 4, 0.8) for aspect in ASPECTS[:4]),
            alignment=None,
            scores={"psnr@lq": 26.0 + number, "ssim@lq": 0.8, "psnr@gt": float("inf")},
            box=box,
            correction=correction,
            trust_map=tuple((1.0,) * TRUST_CELLS for _ in range(TRUST_CELLS)),
        ),
        assurance=assurance,
        group=group or f"scene {number}",
        restorer="painter",
        model="painter-1",
        version="painter-1.2",
        prompt=Prompt("fixed", "Remove the noise; keep everything else."),
        attempt=1,
        sample=0,
        cost_usd=0.04,
        ground_truth=ground_truth,
        reviewer=reviewer,
        rivals=rivals,
        losers=(make_loser(number, blobs),) if losers is None else losers,
    )


def make_facts(**changes) -> CardFacts:
    facts = CardFacts(
        name="sample",
        licence="CC-BY-4.0",
        fates=(Fate("pair", "pair", "general", 0.2), Fate("screen", "noise_added", "rain", 0.5)),
        barred={},
        agreement="no person decided anything",
        calibration="not calibrated on these photos",
        excluded_sets="none were named",
        terms={"painter": "outputs may be published"},
    )
    return replace(facts, **changes)


def contents(pairs, blobs: Blobs) -> Contents:
    """Where a release of these pairs reads them."""
    ordered = sorted(pairs, key=lambda pair: pair.id)
    return Contents(lambda ids: (pair for pair in ordered if pair.id in ids), blobs.read)


def release(pairs, blobs: Blobs, folder: Path, *, format_name="parquet", num_test=0, **settings):
    """Release all pairs, as `ggt release` does."""
    entries = tuple(sorted(enter(pairs), key=lambda entry: entry.id))
    division = divide(entries, num_test=num_test, balance=True)
    chosen = plugins.load("formats", format_name, Format)
    passed, division = fit(Gate(entries, {}), division, chosen)
    write_release(
        passed.entries,
        division,
        contents=contents(pairs, blobs),
        facts=make_facts(),
        target=Target(folder, format_name, ReleaseSettings(**settings)),
    )
    return folder
