"""Comparison: all that is measured of an aligned pair, from planes that the measurements share."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ggt.images import luma
from ggt.measure.alignment import Registration, warp
from ggt.measure.bands import CELLS, split
from ggt.measure.blockiness import blockiness
from ggt.measure.compression import compression_features
from ggt.measure.detail import (
    Features,
    Mismatch,
    detail_features,
    log,
    mismatches,
    object_features,
)
from ggt.measure.evidence import Cells
from ggt.measure.noise import noise_sigma
from ggt.measure.photometry import colour_features
from ggt.measure.residual import residual_features
from ggt.measure.seams import seam_features
from ggt.measure.sharpness import blur_px
from ggt.measure.spectrum import spectrum_features
from ggt.measure.texture import texture_features
from ggt.measure.tiles import sample_tiles
from ggt.types import TRUST_CELLS, Image, Plane

_OCCLUDER = np.ones((9, 9), np.uint8)
"""Bright things narrower than this at half size (18 pixels of the pair) may be flakes, drops, scratches."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Features of the whole pair, and how badly its structure matches in each cell of a trust map."""

    features: Features
    mismatch: Cells


def compare(lq: Image, hq: Image, registration: Registration, *, factor: int) -> Comparison:
    """Measure a pair; planes of the candidate are laid over the lq by `registration`, the candidate is not changed."""
    full = luma(lq), _laid_over(luma(hq), registration, factor)
    half = tuple(_shrink(plane) for plane in full)
    bands = split(*full)
    found = mismatches(bands)
    opened = [cv2.morphologyEx(plane, cv2.MORPH_OPEN, _OCCLUDER) for plane in half]
    found_below = mismatches(split(opened[0], opened[1]))
    below = object_features(found_below)
    change = cv2.norm(lq, hq, cv2.NORM_L2) / lq.size**0.5
    features = (
        {"change": log(float(change) + 0.05)}
        | detail_features(bands)
        | object_features(found)
        | {f"below_{name}": value for name, value in below.items()}
        | seam_features(lq, hq)
        | colour_features(lq, hq)
        | texture_features(full[0], full[1])
        | spectrum_features(full[0], luma(hq))
        | compression_features(full[0], luma(hq))
        | residual_features(half[0], half[1])
        | _sides(lq, hq)
    )
    features["change_over_noise"] = features["change"] - features["noise_lq"]
    return Comparison(features, _worst_cells(found, found_below))


def _worst_cells(found: Sequence[Mismatch], below: Sequence[Mismatch]) -> Cells:
    """Mean mismatch over octaves, the lesser of with and without small bright things, worst of each trust cell."""
    grids = [np.mean([m.both for m in octaves], axis=0) for octaves in (found, below)]
    least = np.minimum(grids[0], grids[1])
    share = CELLS // TRUST_CELLS
    worst = least.reshape(TRUST_CELLS, share, TRUST_CELLS, share).max(axis=(1, 3))
    return tuple(tuple(round(float(value), 3) for value in row) for row in worst)


def _laid_over(plane: Plane, registration: Registration, factor: int) -> Plane:
    matrix = registration.matrix.copy()
    matrix[:, 2] = (matrix[:, 2] + (matrix[:, :2] - np.eye(2)).sum(axis=1) * 0.5) * factor
    return warp(plane, matrix)


def _shrink(plane: Plane) -> Plane:
    size = (max(CELLS, plane.shape[1] // 2), max(CELLS, plane.shape[0] // 2))
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32, copy=False)


def _sides(lq: Image, hq: Image) -> Features:
    """Measure each side by itself: noise, blocks and blur, as logarithms, and how they change."""
    features: Features = {}
    for name, image in (("lq", lq), ("hq", hq)):
        tiles = sample_tiles(image)
        noise = noise_sigma(tiles)
        features |= {
            f"noise_{name}": log(noise + 0.2),
            f"blocks_{name}": log(blockiness(tiles) + 0.02),
            f"blur_{name}": log(blur_px(tiles, noise) + 0.2),
        }
    for name in ("noise", "blocks", "blur"):
        features[f"{name}_more"] = features[f"{name}_hq"] - features[f"{name}_lq"]
    return features
