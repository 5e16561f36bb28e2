"""Calibration cases: faithful pairs and planted faults over clean photos, and what is measured of each.

A cell is one clean photo under one degradation. Each cell has a few faithful pairs and a few faults, dealt out in turn,
so that every kind meets every degradation about equally often without trying all combinations.
"""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from ggt import plugins
from ggt.degradations import Degradation
from ggt.errors import UsageError
from ggt.faults import Fault, GoodPair, Planted
from ggt.images import read_image, resize
from ggt.measure.evidence import Evidence
from ggt.settings.quality import QualitySettings
from ggt.stages.assess import evidence
from ggt.stages.calibration.candidates import CLASSICAL, GOOD, LAZY, restore_classically, restores
from ggt.types import Category, Image

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
        done = restore_classically(lq, category) if name == CLASSICAL else LAZY[name](lq, own)
        made.append((name, "lazy", Planted(lq, done, {}, decidable=not restores(lq, done, hq))))
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


def square(path: Path, side: int) -> Image:
    """Read a photo as ingest does by default: short side to `side`, Lanczos, centre crop."""
    image = read_image(path).image
    factor = side / min(image.shape[:2])
    width, height = (max(side, round(length * factor)) for length in image.shape[1::-1])
    image = resize(image, width, height)
    top, left = (height - side) // 2, (width - side) // 2
    return np.ascontiguousarray(image[top : top + side, left : left + side])
