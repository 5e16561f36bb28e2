"""Ingest: a photo becomes lqs, or is set aside or failed with a reason, before anything is paid.

`ingest_photo` is work for the process pool: paths in, small records and blob hashes out.
"""

import functools
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ggt.errors import ImageReadError
from ggt.images import Decoded, encode_png, luma, pixel_hash, read_image, resize, thumbnail
from ggt.measure.category import guess_category
from ggt.measure.exposure import SMALL_SIDE
from ggt.measure.perceptual_hash import perceptual_hash
from ggt.measure.photo import grade, measure_photo
from ggt.settings.ingest import CleanBounds, IngestSettings
from ggt.sources.folder import folder_category
from ggt.store.blobs import write_blob
from ggt.types import Box, Category, Image, LqRecord, Measurements, Photo

SetAsideReason = Literal[
    "already_clean", "too_small", "unrestorable", "barred", "duplicate", "excluded"
]
CategoryFrom = Literal["stated", "folder", "measured"]


_UNSEEN: tuple[Category, ...] = ("rain", "snow", "old")
"""Stated categories whose marks (streaks, flakes, cracks) the measurements do not see: never called clean."""


@dataclass(frozen=True, slots=True)
class IngestedLq:
    """One low-quality input made from a photo.

    `crop` is in pixels of the upright photo; `measured` is of the lq itself, whose noise is not the photo's.
    """

    record: LqRecord
    crop: Box
    measured: Measurements


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of one photo; fields that were not reached are None.

    `perceptual_hash` is 16 hex digits; `measured` is of the whole photo at native resolution.
    """

    path: str
    outcome: Literal["ingested", "set_aside", "failed"]
    reason: SetAsideReason | Literal["unreadable"] | None = None
    detail: str = ""
    source_sha256: str | None = None
    format: str | None = None
    notes: tuple[str, ...] = ()
    camera: str | None = None
    taken_at: str | None = None
    perceptual_hash: str | None = None
    measured: Measurements | None = None
    category: Category | None = None
    category_from: CategoryFrom | None = None
    category_confidence: float | None = None
    lqs: tuple[IngestedLq, ...] = ()


def ingest_photo(root: str, photo: Photo, settings: IngestSettings, blob_dir: Path) -> IngestResult:
    """Read, measure, judge fit or not, normalise and store one photo.

    An unreadable photo is a result, not an error.

    Raises:
        StorageError: the blobs cannot be written.
    """
    barred = why_barred(photo, settings)
    if barred:
        return IngestResult(photo.path, "set_aside", "barred", barred)
    path = Path(root, photo.path)
    try:
        decoded = read_image(path, max_pixels=settings.max_pixels)
        truth = _read_truth(photo, decoded, settings)
    except ImageReadError as error:
        return IngestResult(photo.path, "failed", "unreadable", str(error))
    result = _describe(path, photo, decoded, in_folder=folder_category(Path(root), photo.path))
    unfit = _too_little(result, settings) or _already_clean(result, settings)
    if unfit:
        reason, detail = unfit
        return replace(result, outcome="set_aside", reason=reason, detail=detail)
    crop = functools.partial(_make_lq, decoded.image, truth, settings=settings, blob_dir=blob_dir)
    assert result.category is not None
    boxes = choose_crops(decoded.image, result.category, settings)
    lqs = {lq.record.pixel_hash: lq for lq in (crop(box, result) for box in boxes)}
    return replace(result, lqs=tuple(lqs.values()))  # crops of an even sky may be equal: one lq


def choose_crops(image: Image, category: Category, settings: IngestSettings) -> list[Box]:
    """Choose what becomes lqs: the central square, or native crops where the category and the size allow them."""
    height, width = image.shape[:2]
    short = min(height, width)
    if category in settings.native and short >= settings.side:
        return _richest(image, settings.side, settings.crops)
    return [Box((width - short) // 2, (height - short) // 2, short, short)]


def crop_image(image: Image, box: Box) -> Image:
    """Cut a box out."""
    return image[box.top : box.top + box.height, box.left : box.left + box.width]


def why_not_clean(measured: Measurements, bounds: CleanBounds) -> list[str]:
    """Name what lies outside the bounds of a clean photo, with the values."""
    checks = (
        ("noise", measured.noise_sigma, 0.0, bounds.noise_sigma),
        ("blur", measured.blur_px, 0.0, bounds.blur_px),
        ("blockiness", measured.blockiness, 0.0, bounds.blockiness),
        ("mean luma", measured.mean_luma, bounds.darkest, bounds.brightest),
        ("contrast", measured.contrast, bounds.contrast, 1.0),
        ("dark channel", measured.dark_channel, 0.0, bounds.dark_channel),
        ("saturation", measured.saturation, bounds.saturation, 1.0),
    )
    return [
        f"{name} {value:.2f} is outside {low:g} to {high:g}"
        for name, value, low, high in checks
        if not low <= value <= high
    ]


def why_barred(photo: Photo, settings: IngestSettings) -> str | None:
    """Say why a photo's licence keeps it out; None when it does not."""
    if photo.licence is None:
        if not settings.bar_unknown_licence:
            return None
        return "no licence is stated: name one in the sidecar, or with --licence"
    barred = {licence.casefold() for licence in settings.barred_licences}
    if photo.licence.casefold() in barred:
        return f"its licence {photo.licence!r} is among ingest.barred_licences"
    return None


def _read_truth(photo: Photo, decoded: Decoded, settings: IngestSettings) -> Image | None:
    if photo.truth is None:
        return None
    truth = read_image(Path(photo.truth), max_pixels=settings.max_pixels).image
    if truth.shape != decoded.image.shape:
        raise ImageReadError(
            f"the truth {photo.truth!r} has {truth.shape[1]}x{truth.shape[0]} pixels, and {photo.path!r} has "
            f"{decoded.image.shape[1]}x{decoded.image.shape[0]}: give a truth on the same grid"
        )
    return truth


def _describe(
    path: Path, photo: Photo, decoded: Decoded, *, in_folder: Category | None
) -> IngestResult:
    small = thumbnail(decoded.image, SMALL_SIDE)
    measured = measure_photo(decoded.image, small)
    category, confidence, known_from = _categorise(photo, small, measured)
    if known_from == "stated" and category == in_folder:
        known_from = "folder"
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return IngestResult(
        path=photo.path,
        outcome="ingested",
        source_sha256=sha256,
        format=decoded.format,
        notes=decoded.notes,
        camera=decoded.camera,
        taken_at=decoded.taken_at,
        perceptual_hash=f"{perceptual_hash(small):016x}",
        measured=grade(measured, category),
        category=category,
        category_from=known_from,
        category_confidence=confidence,
    )


def _categorise(
    photo: Photo, small: Image, measured: Measurements
) -> tuple[Category, float, CategoryFrom]:
    if photo.category is None:
        category, confidence = guess_category(measured, small)
        return category, confidence, "measured"
    return photo.category, 1.0, "stated"


def _too_little(
    result: IngestResult, settings: IngestSettings
) -> tuple[SetAsideReason, str] | None:
    assert result.measured is not None
    width, height, contrast = (
        result.measured.width,
        result.measured.height,
        result.measured.contrast,
    )
    enlarged = settings.side / min(width, height)
    if enlarged > settings.max_enlargement:
        return "too_small", (
            f"{width}x{height} pixels would be enlarged {enlarged:.1f} times, and ingest.max_enlargement is "
            f"{settings.max_enlargement:g}"
        )
    if contrast < settings.lowest_contrast:
        return "unrestorable", (
            f"contrast {contrast:.3f} is below ingest.lowest_contrast {settings.lowest_contrast:g}: "
            "there is nothing to see"
        )
    return None


def _already_clean(
    result: IngestResult, settings: IngestSettings
) -> tuple[SetAsideReason, str] | None:
    measured = result.measured
    assert measured is not None
    if not settings.set_aside_clean or min(measured.width, measured.height) < settings.side:
        return None
    if result.category_from != "measured" and result.category in _UNSEEN:
        return None
    if why_not_clean(measured, settings.clean):
        return None
    return "already_clean", (
        f"noise {measured.noise_sigma:.1f}, blur {measured.blur_px:.1f} px, blockiness {measured.blockiness:.2f} and "
        "the tones are inside ingest.clean"
    )


def _make_lq(
    image: Image,
    truth: Image | None,
    box: Box,
    result: IngestResult,
    *,
    settings: IngestSettings,
    blob_dir: Path,
) -> IngestedLq:
    side = settings.side
    native = crop_image(image, box)
    lq = resize(native, side, side)
    lq_blob = write_blob(blob_dir, encode_png(lq))
    truth_blob = None
    if truth is not None:
        truth_blob = write_blob(blob_dir, encode_png(resize(crop_image(truth, box), side, side)))
    assert result.category is not None
    assert result.measured is not None
    record = LqRecord(
        pixel_hash=pixel_hash(lq),
        blob=lq_blob,
        native_blob=_keep_native(native, lq_blob, settings, blob_dir),
        truth_blob=truth_blob,
        scale=side / box.width,
        category=result.category,
        measurements=result.measured,
    )
    return IngestedLq(record, box, grade(measure_photo(lq), result.category))


def _keep_native(
    native: Image, lq_blob: str, settings: IngestSettings, blob_dir: Path
) -> str | None:
    side = native.shape[0]
    if side == settings.side:
        return lq_blob
    if settings.keep_native == "always":
        return write_blob(blob_dir, encode_png(native))
    if settings.keep_native == "enlarged" and side < settings.side:
        return write_blob(blob_dir, encode_png(native))
    return None


def _richest(image: Image, side: int, count: int) -> list[Box]:
    """Return at most `count` boxes that do not overlap, those with most detail first; ties go to the upper left.

    A box with less than a quarter of the best one's detail (sky, wall) is not worth an lq.
    """
    small = luma(thumbnail(image, SMALL_SIDE))
    detail = np.abs(np.diff(small, axis=1))[:-1] + np.abs(np.diff(small, axis=0))[:, :-1]
    factor = image.shape[0] / small.shape[0]
    boxes = [
        Box(left, top, side, side)
        for top in _starts(image.shape[0], side)
        for left in _starts(image.shape[1], side)
    ]
    richness = {box: _mean_inside(detail, box, factor) for box in boxes}
    worth = [box for box in boxes if richness[box] >= max(richness.values()) / 4]
    chosen: list[Box] = []
    for box in sorted(worth, key=lambda box: -richness[box]):
        if len(chosen) < count and not any(_overlap(box, other) for other in chosen):
            chosen.append(box)
    return chosen


def _starts(length: int, side: int) -> list[int]:
    """Spread positions over a length, half a side apart or a little less."""
    steps = -(-2 * (length - side) // side)
    return [round((length - side) * step / max(1, steps)) for step in range(steps + 1)]


def _mean_inside(detail: np.ndarray, box: Box, factor: float) -> float:
    top, left, side = (round(value / factor) for value in (box.top, box.left, box.width))
    return round(float(detail[top : top + side, left : left + side].mean()), 6)


def _overlap(one: Box, other: Box) -> bool:
    return abs(one.left - other.left) < one.width and abs(one.top - other.top) < one.height
