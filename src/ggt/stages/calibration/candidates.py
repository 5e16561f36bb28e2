"""What is made of each cell beside planted faults: faithful pairs, and candidates that restore little or nothing."""

from collections.abc import Callable

import cv2
import numpy as np

from ggt import plugins
from ggt.images import decode_image, encode_jpeg, luma, to_float, to_uint8
from ggt.measure.fields import finer
from ggt.measure.photo import measure_photo
from ggt.restorers import LocalRestorer
from ggt.types import Category, Image, Prompt, RestoreTask


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


def restore_classically(lq: Image, category: Category) -> Image:
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


def restores(lq: Image, candidate: Image, truth: Image) -> bool:
    """Tell whether the candidate's detail is that much nearer to the truth's than the lq's is."""
    before, after, aim = (
        finer(luma(image), sigma_px=DETAIL_PX) for image in (lq, candidate, truth)
    )
    distance = cv2.norm(after, aim, cv2.NORM_L2) / max(cv2.norm(before, aim, cv2.NORM_L2), 1e-6)
    return distance <= _RESTORED
