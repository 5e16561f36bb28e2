"""Natural scene statistics: 36 numbers for each block of 96 pixels, and their distance from pristine ones.

Written from Mittal, Soundararajan, Bovik, "Making a completely blind image quality analyzer", IEEE SPL 20(3), 2013,
and from measured facts about the authors' release: `niqe` and `naturalness` differ in the pristine model alone.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64

from ggt.errors import NotMeasurableError
from ggt.metrics._generalized_gaussian import NUM_FEATURES_PER_SCALE, block_features
from ggt.metrics._planes import YIQ, luma_levels, luma_text, size_text
from ggt.types import Image, Mask

BLOCK = 96
"""Side of a block at full scale; half of it at half scale."""
SHARP_SHARE = 0.75
"""Only blocks sharper than this share of their picture's sharpest block enter a pristine model."""
NUM_FEATURES = 2 * NUM_FEATURES_PER_SCALE
DEFINITION = (
    f"{luma_text(YIQ)};blocks={BLOCK},whole,from upper left;MSCN window=7,sigma=7/6,C=1,0 where constant;"
    "half=antialiased bicubic;AGGD table=0.2:0.001:10;float64"
)

_WINDOW = cv2.getGaussianKernel(7, 7 / 6, cv2.CV_64F)
_NEIGHBOURHOOD = np.ones((7, 7), np.uint8)
_HALVING = np.array([-3, -9, 29, 111, 111, 29, -9, -3], np.float64) / 256
"""Cubic convolution (a = -1/2) stretched by two, sampled half way between pixels: exact in binary."""

Plane64 = Float64[np.ndarray, "height width"]
Features = Float64[np.ndarray, f"blocks {NUM_FEATURES}"]


@dataclass(frozen=True, slots=True)
class PristineModel:
    """What natural pictures look like: mean and covariance of the block features."""

    mean: Float64[np.ndarray, f"{NUM_FEATURES}"]
    covariance: Float64[np.ndarray, f"{NUM_FEATURES} {NUM_FEATURES}"]


@dataclass(frozen=True, slots=True)
class SceneStatistics:
    """The blocks of one picture, row by row.

    A feature is NaN where it has no value: in a block that is constant, or whose normalised luminance
    has one sign only. `sharpness` is the mean local standard deviation of a block.
    """

    features: Features
    sharpness: Float64[np.ndarray, " blocks"]


def scene_statistics(image: Image) -> SceneStatistics:
    """Measure the features of every whole block.

    Raises:
        NotMeasurableError: not one whole block fits into the image.
    """
    rows, columns = image.shape[0] // BLOCK, image.shape[1] // BLOCK
    if rows * columns == 0:
        raise NotMeasurableError(f"not one block of {BLOCK}x{BLOCK} pixels fits in")
    levels = luma_levels(image[: rows * BLOCK, : columns * BLOCK], YIQ)
    plane = levels.astype(np.float64)
    normalised, deviation = _normalise(plane, _constant(levels))
    sharpness = deviation.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3)).ravel()
    half = halve(plane)
    normalised_half, _ = _normalise(half, _constant(half))
    features = np.hstack(
        [block_features(normalised, BLOCK), block_features(normalised_half, BLOCK // 2)]
    )
    return SceneStatistics(features, sharpness)


def sharp_blocks(picture: SceneStatistics) -> Features:
    """Choose the blocks of a clean picture that enter a pristine model (section II-B of the paper).

    A block counts when its sharpness exceeds `SHARP_SHARE` of the picture's sharpest and all its features have values.
    """
    sharp = picture.sharpness > SHARP_SHARE * picture.sharpness.max()
    return picture.features[sharp & np.isfinite(picture.features).all(axis=1)]


def fit_pristine(blocks: Features) -> PristineModel:
    """Fit the model to the sharp blocks of many clean pictures."""
    return PristineModel(blocks.mean(axis=0), np.cov(blocks, rowvar=False))


def distance(image: Image, pristine: PristineModel) -> float:
    """Return how far the image's blocks lie from a pristine model, 0 or more, lower is more natural.

    Raises:
        NotMeasurableError: fewer than two blocks have all features; the message holds the image's size.
    """
    try:
        return distance_of(scene_statistics(image), pristine)
    except NotMeasurableError as error:
        raise NotMeasurableError(
            f"no natural scene statistics for an image of {size_text(image)}: {error}; leave the metric out for it"
        ) from error


def distance_of(picture: SceneStatistics, pristine: PristineModel) -> float:
    """Return the distance of equation 10 of the paper.

    The mean is taken over every block that has the feature, the covariance over the blocks that have them all.

    Raises:
        NotMeasurableError: fewer than two blocks have all features.
    """
    features = picture.features
    whole = features[np.isfinite(features).all(axis=1)]
    if len(whole) < 2:
        raise NotMeasurableError(
            f"two blocks of {BLOCK}x{BLOCK} pixels with structure are needed, "
            f"{len(whole)} of its {len(features)} have structure, the others are flat"
        )
    offset = pristine.mean - np.nanmean(features, axis=0)
    spread = (pristine.covariance + np.cov(whole, rowvar=False)) / 2
    return float(np.sqrt(offset @ np.linalg.pinv(spread, hermitian=True) @ offset))


def halve(plane: Plane64) -> Plane64:
    """Halve both sides by antialiased bicubic interpolation, borders mirrored; whole levels give exact results."""
    upright, one = _HALVING.reshape(-1, 1), np.ones(1)
    rows = cv2.sepFilter2D(
        plane, cv2.CV_64F, one, upright, anchor=(0, 3), borderType=cv2.BORDER_REFLECT
    )[::2]
    both = cv2.sepFilter2D(
        np.ascontiguousarray(rows),
        cv2.CV_64F,
        upright,
        one,
        anchor=(3, 0),
        borderType=cv2.BORDER_REFLECT,
    )
    return np.asarray(both[:, ::2], np.float64)


def _normalise(plane: Plane64, constant: Mask) -> tuple[Plane64, Plane64]:
    """Return the mean-subtracted contrast-normalised plane and the local standard deviation.

    Where a neighbourhood is constant both are 0 by definition. Filters give rounding noise instead, whose signs
    would make up all the features of a flat block: then the order of additions decides the score.
    """
    mean, scratch = _average(plane), plane * plane
    variance = _average(scratch)
    variance -= np.multiply(mean, mean, out=scratch)
    deviation = np.sqrt(np.abs(variance, out=variance), out=variance)
    deviation[constant] = 0
    normalised = np.subtract(plane, mean, out=mean)
    normalised /= np.add(deviation, 1, out=scratch)
    normalised[constant] = 0
    return normalised, deviation


def _constant(plane: np.ndarray) -> Mask:
    """Say which pixels have a window of equal values around them."""
    return np.equal(cv2.dilate(plane, _NEIGHBOURHOOD), cv2.erode(plane, _NEIGHBOURHOOD))


def _average(plane: Plane64) -> Plane64:
    averaged = cv2.sepFilter2D(plane, cv2.CV_64F, _WINDOW, _WINDOW, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(averaged, np.float64)
