"""Asymmetric generalised Gaussians fitted to the blocks of a normalised plane: 18 features a block.

Source: Mittal, Soundararajan, Bovik, IEEE SPL 20(3), 2013, section II; the moment matching is that of Lasmar,
Stitou, Berthoumieu, "Multiscale skewed heavy tailed model for texture analysis", ICIP 2009.
"""

import numpy as np
from jaxtyping import Float64
from scipy.special import gamma

NUM_FEATURES_PER_SCALE = 18

_NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (-1, 1))
"""Along the row, along the column and both diagonals; inside a block the far side is next to the near one."""
_SHAPES = np.arange(200, 10001) / 1000
_RATIOS = gamma(2 / _SHAPES) ** 2 / (gamma(1 / _SHAPES) * gamma(3 / _SHAPES))
"""Squared mean of the absolute value over mean of the square, for each shape; grows with it."""

Blocks = Float64[np.ndarray, "blocks side side"]
Moments = Float64[np.ndarray, "5 maps blocks"]
"""Sums of |v|, v^2 and v|v|, and how many values lie below and above zero."""
PerMap = Float64[np.ndarray, "maps blocks"]


def block_features(
    plane: Float64[np.ndarray, "height width"], side: int
) -> Float64[np.ndarray, f"blocks {NUM_FEATURES_PER_SCALE}"]:
    """Return the features of every block, row by row; NaN where a block has none.

    Both sides of the plane are multiples of `side`.
    """
    strips = plane.reshape(-1, side, plane.shape[1] // side, side).swapaxes(1, 2)
    moments = np.concatenate([_moments(np.ascontiguousarray(strip)) for strip in strips], axis=2)
    shape, left, right = _fit(moments, num_values=side * side)
    mean = (right - left) * gamma(2 / shape) / gamma(1 / shape)
    features = [shape[0], (left[0] + right[0]) / 2]
    for neighbour in range(1, 1 + len(_NEIGHBOURS)):
        features += [values[neighbour] for values in (shape, mean, left, right)]
    return np.column_stack(features)


def _moments(blocks: Blocks) -> Moments:
    """Measure the blocks themselves and their products with each neighbour.

    Two buffers serve all maps: allocating anew for each took a third of the time.
    """
    side = blocks.shape[1]
    around = np.pad(blocks, ((0, 0), (1, 1), (1, 1)), mode="wrap")
    products, magnitudes = np.empty_like(blocks), np.empty_like(blocks)
    moments = [_moments_of(blocks, magnitudes)]
    for down, right in _NEIGHBOURS:
        shifted = around[:, 1 - down : 1 - down + side, 1 - right : 1 - right + side]
        moments.append(_moments_of(np.multiply(blocks, shifted, out=products), magnitudes))
    return np.stack(moments, axis=1)


def _moments_of(values: Blocks, magnitudes: Blocks) -> Float64[np.ndarray, "5 blocks"]:
    """Measure one map; `magnitudes` is overwritten."""
    flat = values.reshape(len(values), -1)
    flat_magnitudes = np.abs(flat, out=magnitudes.reshape(flat.shape))
    return np.array(
        [
            flat_magnitudes.sum(axis=1),
            np.vecdot(flat, flat),
            np.vecdot(flat, flat_magnitudes),
            [np.count_nonzero(block) for block in flat < 0],
            [np.count_nonzero(block) for block in flat > 0],
        ]
    )


def _fit(moments: Moments, *, num_values: int) -> tuple[PerMap, PerMap, PerMap]:
    """Return shape, left and right scale; NaN where a block lacks values of one sign."""
    both = (moments[3] > 0) & (moments[4] > 0)
    absolute, squares, signed_squares, below, above = np.where(both, moments, np.nan)
    left_deviation = np.sqrt((squares - signed_squares) / (2 * below))
    right_deviation = np.sqrt((squares + signed_squares) / (2 * above))
    skew = left_deviation / right_deviation
    ratio = absolute**2 / (squares * num_values)
    ratio *= (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    shape = np.where(both, _SHAPES[_nearest_ratio(ratio)], np.nan)
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left_deviation * scale, right_deviation * scale


def _nearest_ratio(ratio: PerMap) -> np.ndarray:
    """Find the row of the table whose ratio is nearest; NaN gives the last row."""
    above = np.clip(np.searchsorted(_RATIOS, ratio), 1, len(_RATIOS) - 1)
    return np.where(ratio - _RATIOS[above - 1] < _RATIOS[above] - ratio, above - 1, above)
