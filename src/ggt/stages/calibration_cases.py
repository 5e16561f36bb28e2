"""Calibration cases: faithful pairs and planted faults over clean photos, and what is measured of each.

A cell is one clean photo under one degradation. Each cell has a few faithful pairs and a few faults, dealt out in turn,
so that every kind meets every degradation about equally often without trying all combinations.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from ggt import plugins
from ggt.degradations import Degradation
from ggt.errors import UsageError
from ggt.faults import Fault, GoodPair, Planted
from ggt.images import decode_image, encode_jpeg, luma, read_image, resize, to_float, to_uint8
from ggt.measure.evidence import Evidence
from ggt.measure.fields import finer
from ggt.measure.photo import measure_photo
from ggt.restorers import LocalRestorer
from ggt.settings.quality import QualitySettings
from ggt.stages.assess import evidence
from ggt.types import Category, Image, Prompt, RestoreTask

Level = Literal["good", "gross", "subtle", "lazy"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One photo under one degradation; `good`, `faults` and `lazy` name what is made of it."""

    photo: Path
    other: Path
    """Where objects and wrong photos are taken from."""
    degradation: str
    good: tuple[str, ...]
    faults: tuple[tuple[str, Level], ...]
    lazy: tuple[str, ...]
    side: int
    seed: int


@dataclass(frozen=True, slots=True)
class Case:
    """One measured pair; `decidable` is False where the pair cannot show its fault."""

    photo: str
    degradation: str
    category: Category
    name: str
    level: Level
    decidable: bool
    evidence: Evidence


def _as_is(hq: Image, rng: np.random.Generator) -> Image:
    del rng
    return hq


def _sharpened(hq: Image, rng: np.random.Generator) -> Image:
    picture = to_float(hq)
    smooth = cv2.GaussianBlur(picture, (0, 0), float(rng.uniform(0.8, 1.6)))
    return to_uint8(picture + np.float32(rng.uniform(0.2, 0.5)) * (picture - smooth))


def _jpeg(hq: Image, rng: np.random.Generator) -> Image:
    return decode_image(encode_jpeg(hq, quality=int(rng.integers(90, 96)))).image


def _toned(hq: Image, rng: np.random.Generator) -> Image:
    bent = to_float(hq) ** np.float32(rng.uniform(0.9, 1.1))
    return to_uint8(
        (bent - np.float32(0.5)) * np.float32(rng.uniform(0.94, 1.06)) + np.float32(0.5)
    )


def _third_pixel(hq: Image, rng: np.random.Generator) -> Image:
    angle = float(rng.uniform(0, 2 * np.pi))
    matrix = np.array([[1, 0, np.cos(angle) / 3], [0, 1, np.sin(angle) / 3]])
    return cv2.warpAffine(
        hq,
        matrix,
        (hq.shape[1], hq.shape[0]),
        flags=cv2.INTER_LANCZOS4,
        borderMode=cv2.BORDER_REFLECT_101,
    )


GOOD: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "as_is": _as_is,
    "sharpened": _sharpened,
    "jpeg": _jpeg,
    "toned": _toned,
    "third_pixel": _third_pixel,
}
"""What counts as faithful: the photo itself; slightly sharpened; JPEG at 90 to 95; gamma and contrast within 10
and 6 %; moved by a third of a pixel."""


def _grainy(lq: Image, rng: np.random.Generator) -> Image:
    noise = rng.standard_normal(lq.shape, dtype=np.float32)
    return to_uint8(to_float(lq) + np.float32(rng.uniform(3, 8) / 255) * noise)


def _smoothed(lq: Image, rng: np.random.Generator) -> Image:
    return cv2.bilateralFilter(lq, 7, float(rng.uniform(8, 25)), 2.0).astype(np.uint8, copy=False)


def _softened(lq: Image, rng: np.random.Generator) -> Image:
    return cv2.GaussianBlur(lq, (0, 0), float(rng.uniform(0.5, 1.0))).astype(np.uint8, copy=False)


def _classical(lq: Image, category: Category) -> Image:
    """Restore by the classical engine, which leaves most degradations behind and says so."""
    engine = plugins.load("restorers", CLASSICAL, LocalRestorer)
    task = RestoreTask(
        lq=lq,
        category=category,
        measurements=measure_photo(lq),
        prompt=Prompt("fixed", ""),
        seed=0,
    )
    return engine.restore(task).image


LAZY: dict[str, Callable[[Image, np.random.Generator], Image]] = {
    "grainy": _grainy,
    "sharpened": _sharpened,
    "smoothed": _smoothed,
    "softened": _softened,
    "toned": _toned,
    "jpeg": _jpeg,
}
"""What is no restoration: the lq with noise of 3 to 8 levels, slightly sharpened, smoothed, softened, toned, JPEG."""
CLASSICAL = "classical"
"""What the classical engine makes of the lq is tried in every cell, too."""
_RESTORED = 0.75
"""Where detail does come this much nearer to the truth's (share of the distance left), a candidate is not counted."""
DETAIL_PX = 24.0
"""Detail is luma less its mean over so many pixels: a veil that goes while streaks stay is no restoration."""


def deal(
    photos: list[Path],
    *,
    per_photo: int = 7,
    num_good: int = 2,
    num_faults: int = 3,
    side: int = 1024,
    seed: int = 0,
) -> list[Cell]:
    """Deal faithful kinds and faults out over all photos and `per_photo` degradations of each, in turn.

    Raises:
        UsageError: fewer than two photos.
    """
    if len(photos) < 2:
        raise UsageError(f"calibration needs at least 2 clean photos, found {len(photos)}")
    kinds, degradations = list(GOOD), plugins.names("degradations")
    faults = _faults(seed)
    cells: list[Cell] = []
    lazy = list(LAZY)
    for turn in range(min(per_photo, len(degradations))):
        for index, photo in enumerate(photos):
            drawn = (index * 4 + turn) % len(degradations)
            rank = index * len(degradations) + drawn
            cells.append(
                Cell(
                    photo=photo,
                    other=photos[(index + 1 + rank % (len(photos) - 1)) % len(photos)],
                    degradation=degradations[drawn],
                    good=tuple(kinds[(rank * num_good + k) % len(kinds)] for k in range(num_good)),
                    faults=tuple(
                        faults[(rank * num_faults + k) % len(faults)] for k in range(num_faults)
                    ),
                    lazy=(lazy[rank % len(lazy)], CLASSICAL),
                    side=side,
                    seed=seed,
                )
            )
    return cells


def _faults(seed: int) -> list[tuple[str, Level]]:
    """All faults, gross, and subtle where that differs, in an order that is random but fixed."""
    dealt: list[tuple[str, Level]] = []
    for name in plugins.names("faults"):
        fault = plugins.load("faults", name, Fault)
        dealt.append((name, "gross"))
        if fault.subtle != fault.gross:
            dealt.append((name, "subtle"))
    order = np.random.default_rng(seed).permutation(len(dealt))
    return [dealt[i] for i in order]


def measure_cell(cell: Cell) -> list[Case]:
    """Degrade, spoil and measure; a pool job."""
    cv2.setNumThreads(1)
    hq, other = square(cell.photo, cell.side), square(cell.other, cell.side)
    names = f"{cell.photo.stem} {cell.degradation}".encode()
    rng = np.random.default_rng((cell.seed, zlib.crc32(names)))
    degradation = plugins.load("degradations", cell.degradation, Degradation)
    lq = degradation.apply(hq, float(rng.uniform(0.15, 0.85)), rng).image
    made: list[tuple[str, Level, Planted]] = [
        (kind, "good", Planted(lq, GOOD[kind](hq, rng), {})) for kind in cell.good
    ]
    for name, level in cell.faults:
        fault = plugins.load("faults", name, Fault)
        strength = fault.gross if level == "gross" else fault.subtle
        made.append((name, level, fault.plant(GoodPair(lq, hq, other), strength, rng)))
    quality = QualitySettings()
    category = degradation.category
    for name in cell.lazy:
        own = np.random.default_rng((cell.seed, zlib.crc32(names), 1))
        done = _classical(lq, category) if name == CLASSICAL else LAZY[name](lq, own)
        made.append(
            (name, "lazy", Planted(lq, done, {}, decidable=_left(lq, done, hq) > _RESTORED))
        )
    return [
        Case(
            photo=cell.photo.stem,
            degradation=cell.degradation,
            category=category,
            name=name,
            level=level,
            decidable=planted.decidable,
            evidence=evidence(
                planted.lq, planted.hq, category=category, quality=quality, correct=False
            ),
        )
        for name, level, planted in made
    ]


def _left(lq: Image, candidate: Image, truth: Image) -> float:
    """Distance of the candidate's detail from the truth's, as a share of the lq's."""
    before, after, aim = (
        finer(luma(image), sigma_px=DETAIL_PX) for image in (lq, candidate, truth)
    )
    return cv2.norm(after, aim, cv2.NORM_L2) / max(cv2.norm(before, aim, cv2.NORM_L2), 1e-6)


def square(path: Path, side: int) -> Image:
    """Read a photo as ingest does by default: short side to `side`, Lanczos, centre crop."""
    image = read_image(path).image
    factor = side / min(image.shape[:2])
    width, height = (max(side, round(length * factor)) for length in image.shape[1::-1])
    image = resize(image, width, height)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])
