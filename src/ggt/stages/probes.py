"""Probes: the fixed photos and pairs with which a build watches the models that it asks.

Canaries are bundled photos, degraded with fixed seeds, whose truth is known. Sentinels are pairs made of them: the
truth itself, which a judge should accept, and targets with one planted fault, which it should not.
"""

from dataclasses import dataclass
from pathlib import Path

from ggt import plugins
from ggt.faults import Fault
from ggt.images import decode_image, encode_png, pixel_hash, read_image, resize
from ggt.measure.photo import grade, measure_photo
from ggt.metrics import FullReference
from ggt.sources.bundled import bundled_folder
from ggt.stages.degrade import degrade_image
from ggt.stages.restore import Candidate, plant_fault
from ggt.store.blobs import read_blob, write_blob
from ggt.types import Aspect, Category, Image, LqRecord

CANARIES: tuple[tuple[str, str, Category], ...] = (
    ("astronaut.png", "noise", "general"),
    ("coffee.png", "haze", "haze"),
    ("chelsea.png", "defocus", "general"),
    ("rocket.jpg", "lowlight", "lowlight"),
)
"""(bundled photo, degradation, category); ours."""
TRUE = "truth"
SENTINELS: tuple[tuple[str, int], ...] = (
    (TRUE, 0),
    ("residual_degradation", 0),
    ("object_removed", 0),
    ("shift", 2),
    ("redrawn_texture", 2),
    ("hue", 1),
    (TRUE, 2),
)
"""(planted fault or the truth itself, canary): one fault for each aspect; ours."""
_STRENGTH, _FAULT_STRENGTH, _SEED = 0.5, 0.9, 20_260_531


@dataclass(frozen=True, slots=True)
class Canary:
    """A photo of known truth, stored as ingest stores an lq."""

    name: str
    lq: LqRecord


@dataclass(frozen=True, slots=True)
class Sentinel:
    """A pair of known verdict; `aspects` are those that should notice, none for the truth."""

    name: str
    lq: LqRecord
    candidate: Candidate
    aspects: frozenset[Aspect]


def make_canaries(side: int, blobs: Path) -> list[Canary]:
    """Make the fixed photos at the lqs' size, the same each time; a pool job."""
    found: list[Canary] = []
    for file, kind, category in CANARIES:
        image = read_image(bundled_folder() / file).image
        square = min(image.shape[:2])
        truth = resize(image[:square, :square].copy(), side, side)
        lq = degrade_image(truth, kind=kind, strength=_STRENGTH, seed=_SEED).image
        blob = write_blob(blobs, encode_png(lq))
        record = LqRecord(
            pixel_hash=pixel_hash(lq),
            blob=blob,
            native_blob=blob,
            truth_blob=write_blob(blobs, encode_png(truth)),
            scale=1.0,
            category=category,
            measurements=grade(measure_photo(lq), category),
        )
        found.append(Canary(f"{Path(file).stem} {kind}", record))
    return found


def make_sentinels(side: int, blobs: Path) -> list[Sentinel]:
    """Make the fixed pairs, the same each time; a pool job."""
    canaries = make_canaries(side, blobs)
    found: list[Sentinel] = []
    for number, (fault, index) in enumerate(SENTINELS):
        lq = canaries[index].lq
        assert lq.truth_blob is not None
        shown = _read(blobs, lq.truth_blob)
        if fault != TRUE:
            other = _read(blobs, canaries[(index + 1) % len(canaries)].lq.blob)
            shown = plant_fault(
                fault,
                lq=_read(blobs, lq.blob),
                hq=shown,
                other=other,
                strength=_FAULT_STRENGTH,
                seed=_SEED,
            )
        candidate = Candidate(write_blob(blobs, encode_png(shown)), pixel_hash(shown), {})
        aspects = plugins.load("faults", fault, Fault).aspects if fault != TRUE else ()
        found.append(Sentinel(f"{number} {fault}", lq, candidate, frozenset(aspects)))
    return found


def true_psnr(lq: LqRecord, candidate: Candidate, blobs: Path) -> float:
    """Compare a canary's candidate with its truth, in dB; a pool job."""
    assert lq.truth_blob is not None
    score = plugins.load("metrics", "psnr", FullReference).score
    return min(99.0, score(_read(blobs, candidate.candidate), _read(blobs, lq.truth_blob)))


def _read(blobs: Path, sha256: str) -> Image:
    return decode_image(read_blob(blobs, sha256)).image
