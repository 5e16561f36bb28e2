"""Alignment: how a candidate lies over its lq, from block-wise displacements weighted by what each block can tell.

Blocks of about 128 pixels are first matched by cross-correlation, then refined by regressing the lq's detail on the
candidate's detail and its gradients (Lucas and Kanade 1981), which also gives each block's error: a block with edges
in one direction says nothing along them, a flat one nothing at all. Block size and bounds are ours.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float64
from scipy import fft

from ggt.measure.fields import local_mean
from ggt.types import Alignment, Plane

_BLOCK = 64
"""Side of a block in pixels of the planes: 128 of the pair's where the planes are at half size."""
_COARSE_BLOCK = 32
_CONTRAST_FLOOR = 0.006
"""Local contrast below this (1.5 levels) is not raised to the contrast of the rest."""
_CORRELATED = 12.0
"""So many neighbouring pixels share one error after smoothing."""
_PASSES = 3
_SIGNIFICANT = 9.0
"""Displacements count by what they exceed of this squared ratio to their own error."""

Vectors = Float64[np.ndarray, "blocks 2"]


@dataclass(frozen=True, slots=True)
class Blocks:
    """Displacement of every block: centres, offsets (right, down) and inverse covariances, in pixels of the planes."""

    centres: Vectors
    offsets: Vectors
    information: Float64[np.ndarray, "blocks 2 2"]
    fit: Float64[np.ndarray, " blocks"]
    """Share of the lq's detail that the candidate explains, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Registration:
    """An affine map of lq coordinates onto the candidate's, and what it leaves.

    `matrix` (2, 3) is in pixels of the planes; `alignment` in pixels of the pair.
    """

    matrix: Float64[np.ndarray, "2 3"]
    alignment: Alignment
    affine_px: float
    """Largest displacement by the affine part without its shift, less twice its error, over the frame."""
    shift_px: float
    """Displacement of the centre, less twice its error."""
    warp_px: float
    """Third largest displacement of a block beyond the affine part, as far as it exceeds its error."""
    matched: float
    """Share of the blocks with structure whose structure the candidate shows too."""


def register(lq: Plane, hq: Plane, *, factor: float) -> Registration:
    """Measure how `hq` lies over `lq`; both luma, the same size, `factor` times smaller than the pair."""
    height, width = lq.shape
    seen = detail(lq)
    matrix = _coarse(lq, hq)
    blocks = _match(seen, detail(warp(hq, matrix)), matrix)
    for _ in range(_PASSES - 1):
        matrix, _ = _fit_affine(blocks, (height, width))
        blocks = _match(seen, detail(warp(hq, matrix)), matrix)
    matrix, covariance = _fit_affine(blocks, (height, width))
    return _describe(blocks, matrix, covariance, shape=(height, width), factor=factor)


def detail(plane: Plane) -> Plane:
    """Structure up to some 16 pixels, brought to even local contrast, so that shade and haze weigh like sun."""
    fine: Plane = cv2.GaussianBlur(plane, (0, 0), 0.8) - local_mean(plane, sigma_px=8.0)
    strength = local_mean(fine * fine, sigma_px=16.0)
    return fine / np.sqrt(strength + np.float32(_CONTRAST_FLOOR**2))


def warp(plane: Plane, matrix: Float64[np.ndarray, "2 3"]) -> Plane:
    """Bring the candidate onto the lq's grid, to measure by; targets themselves are never resampled."""
    if np.allclose(matrix, np.eye(2, 3), atol=1e-3):
        return plane
    size = (plane.shape[1], plane.shape[0])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(plane, matrix, size, flags=flags, borderMode=cv2.BORDER_REFLECT_101)


def _coarse(lq: Plane, hq: Plane) -> Float64[np.ndarray, "2 3"]:
    """Match blocks by cross-correlation at half size, to about 12 pixels either way."""
    size = (lq.shape[1] // 2, lq.shape[0] // 2)
    planes = [detail(cv2.resize(p, size, interpolation=cv2.INTER_AREA)) for p in (lq, hq)]
    side = min(_COARSE_BLOCK, *size)
    stacks = [_cut(plane, side) for plane in planes]
    window = np.outer(np.hanning(side), np.hanning(side)).astype(np.float32)
    spectra = [fft.rfft2(stack * window) for stack in stacks]
    correlation = fft.irfft2(np.conj(spectra[0]) * spectra[1], s=(side, side))
    energy = np.sqrt(np.prod([((s * window) ** 2).sum(axis=(1, 2)) for s in stacks], axis=0))
    reach = 3 * side // 8
    correlation = np.roll(correlation, (reach, reach), axis=(1, 2))[
        :, : 2 * reach + 1, : 2 * reach + 1
    ]
    together = np.unravel_index(int(correlation.sum(axis=0).argmax()), correlation.shape[1:])
    near = _nearness(correlation.shape[1:], together)
    flat = (correlation * near).reshape(len(correlation), -1)
    best = flat.argmax(axis=1)
    rows, columns = best // correlation.shape[2], best % correlation.shape[2]
    height: np.ndarray = flat[np.arange(len(best)), best] / np.maximum(energy, 1e-6)
    weights = np.clip(height - 0.25, 0, 1) ** 2
    offsets = 2.0 * np.stack((columns - reach, rows - reach), axis=1)
    centres = 2.0 * _centres(planes[0].shape, side)
    information = weights[:, None, None] * np.eye(2)
    blocks = Blocks(centres, offsets, information, height)
    return _fit_affine(blocks, lq.shape)[0]


def _nearness(shape: tuple[int, ...], peak: tuple[np.intp, ...]) -> np.ndarray:
    """Favour what is near the displacement on which all blocks agree most."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance = np.hypot(rows - peak[0], columns - peak[1])
    return np.exp(-0.5 * (distance / max(4.0, shape[0] / 4)) ** 2)


def _cut(plane: Plane, side: int) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(plane, (side, side))[
        :: side // 2, :: side // 2
    ]
    return windows.reshape(-1, side, side)


def _centres(shape: tuple[int, ...], side: int) -> Vectors:
    rows = np.arange(0, shape[0] - side + 1, side // 2) + (side - 1) / 2
    columns = np.arange(0, shape[1] - side + 1, side // 2) + (side - 1) / 2
    grid = np.meshgrid(columns, rows)
    return np.stack([axis.ravel() for axis in grid], axis=1)


def _match(seen: Plane, offered: Plane, matrix: Float64[np.ndarray, "2 3"]) -> Blocks:
    """Regress the lq's detail on the warped candidate's and its gradients, block by block."""
    side = min(_BLOCK, *(length // 2 * 2 for length in seen.shape))
    across = cv2.Sobel(offered, cv2.CV_32F, 1, 0, ksize=3, scale=1 / 8)
    down = cv2.Sobel(offered, cv2.CV_32F, 0, 1, ksize=3, scale=1 / 8)
    terms = (offered, across, down)
    gram = np.empty((_centres(seen.shape, side).shape[0], 3, 3))
    right = np.empty((gram.shape[0], 3))
    one: Plane
    for i, one in enumerate(terms):
        right[:, i] = _block_means(seen * one, side)
        for j, two in enumerate(terms[: i + 1]):
            gram[:, i, j] = gram[:, j, i] = _block_means(one * two, side)
    total = np.maximum(_block_means(seen * seen, side), 1e-9)
    gram += 1e-4 * np.eye(3)
    gains = _solve(gram, right[..., None])[..., 0]
    left = np.maximum(total - (gains * right).sum(axis=1), 1e-4)
    share = np.clip(1 - left / total, 0, 1)
    slope = np.maximum(gains[:, 0], 0.05)
    offsets = gains[:, 1:] / slope[:, None]
    spread = _inverse(gram)[:, 1:, 1:] * (left * _CORRELATED / side**2 / slope**2)[:, None, None]
    # A linearisation holds for about a pixel: larger steps are taken, but trusted less.
    step = np.sum(offsets**2, axis=1)
    offsets = offsets / np.sqrt(1 + step / 4)[:, None]
    spread += np.eye(2) * (0.02**2 + 0.05 * step[:, None, None] ** 2 / (1 + step[:, None, None]))
    information = _inverse(spread) * (gains[:, 0] > 0.1)[:, None, None]
    centres = _centres(seen.shape, side)
    return Blocks(centres, offsets + _apply(matrix, centres), information, share)


def _block_means(plane: Plane, side: int) -> np.ndarray:
    """Means over overlapping blocks, half a side apart."""
    half = side // 2
    rows, columns = plane.shape[0] // half, plane.shape[1] // half
    cells = cv2.resize(
        plane[: rows * half, : columns * half], (columns, rows), interpolation=cv2.INTER_AREA
    )
    return ((cells[:-1, :-1] + cells[1:, :-1] + cells[:-1, 1:] + cells[1:, 1:]) / 4).ravel()


def _apply(matrix: Float64[np.ndarray, "2 3"], points: Vectors) -> Vectors:
    """Displacement of points by an affine map."""
    return points @ matrix[:, :2].T + matrix[:, 2] - points


def _fit_affine(
    blocks: Blocks, shape: tuple[int, ...]
) -> tuple[Float64[np.ndarray, "2 3"], Float64[np.ndarray, "6 6"]]:
    """Fit a map to the offsets, robustly; its covariance is of (shift, then change towards the frame's edges)."""
    middle = np.array([(shape[1] - 1) / 2, (shape[0] - 1) / 2])
    reach = max(shape) / 2
    places = (blocks.centres - middle) / reach
    design = np.zeros((len(places), 2, 6))
    for axis in (0, 1):
        design[:, axis, axis] = 1
        design[:, axis, 2 + 2 * axis : 4 + 2 * axis] = places
    # Little prior knowledge: no displacement, give or take some 30 pixels; it decides where no block can.
    prior = np.eye(6) / 30.0**2
    weights = np.ones(len(places))
    solution: np.ndarray = np.zeros(6)
    precision: np.ndarray = prior
    for _ in range(8):
        weighted = blocks.information * weights[:, None, None]
        precision = prior + np.einsum("bik,bij,bjl->kl", design, weighted, design)
        right: np.ndarray = np.einsum("bik,bij,bj->k", design, weighted, blocks.offsets)
        solution = _solve(precision, right)
        rest: np.ndarray = blocks.offsets - design @ solution
        surprise = np.einsum("bi,bij,bj->b", rest, blocks.information, rest)
        scale = max(1.0, float(np.median(surprise)))
        weights = 1 / (1 + surprise / (4 * scale)) ** 2
    linear = solution[2:].reshape(2, 2) / reach
    matrix = np.zeros((2, 3))
    matrix[:, :2] = np.eye(2) + linear
    matrix[:, 2] = solution[:2] - linear @ middle
    return matrix, _inverse(precision)


def _describe(
    blocks: Blocks,
    matrix: Float64[np.ndarray, "2 3"],
    covariance: Float64[np.ndarray, "6 6"],
    *,
    shape: tuple[int, int],
    factor: float,
) -> Registration:
    middle = np.array([[(shape[1] - 1) / 2, (shape[0] - 1) / 2]])
    shift = _apply(matrix, middle)[0]
    linear = matrix[:, :2] - np.eye(2)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (np.array(shape[::-1]) / 2)
    affine = float(np.linalg.norm(corners @ linear.T, axis=1).max())
    errors = np.sqrt(np.maximum(np.diag(covariance), 0))
    rest = blocks.offsets - _apply(matrix, blocks.centres)
    beyond = _beyond_error(rest, blocks.information)
    informed = np.linalg.norm(blocks.information, axis=(1, 2)) > 1.0
    alignment = Alignment(
        shift_x_px=float(shift[0] * factor),
        shift_y_px=float(shift[1] * factor),
        scale=float(1 + (linear[0, 0] + linear[1, 1]) / 2),
        rotation_deg=float(np.rad2deg((linear[0, 1] - linear[1, 0]) / 2)),
        local_px=float(np.percentile(beyond, 95) * factor),
        support=float(informed.mean()),
    )
    return Registration(
        matrix=matrix,
        alignment=alignment,
        affine_px=float(max(0.0, affine - 2 * np.linalg.norm(errors[2:])) * factor),
        shift_px=float(max(0.0, np.linalg.norm(shift) - 2 * np.linalg.norm(errors[:2])) * factor),
        warp_px=float(np.sort(beyond)[-min(3, beyond.size)] * factor),
        matched=float(np.mean(blocks.fit > 0.1)),
    )


def _solve(matrices: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.solve(np.asarray(matrices, float), np.asarray(right, float)))


def _inverse(matrices: np.ndarray) -> np.ndarray:
    return np.asarray(np.linalg.inv(np.asarray(matrices, float)))


def _beyond_error(rest: Vectors, information: Float64[np.ndarray, "blocks 2 2"]) -> np.ndarray:
    surprise = np.einsum("bi,bij,bj->b", rest, information, rest)
    share = np.sqrt(np.maximum(0, 1 - _SIGNIFICANT / np.maximum(surprise, 1e-9)))
    return np.linalg.norm(rest, axis=1) * share
