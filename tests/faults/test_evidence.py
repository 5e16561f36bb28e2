"""A fault is undecidable exactly where the pair cannot show it, by measurement and not by name."""

import numpy as np
import pytest

from ggt import plugins
from ggt.degradations import Degradation
from ggt.faults import Fault, GoodPair
from ggt.images import read_image
from ggt.sources.bundled import bundled_folder
from ggt.types import Image

GEOMETRY = ("shift", "scale", "rotation", "perspective", "local_warp", "mirror")
CONTENT = ("object_removed", "object_added", "object_moved", "redrawn_texture", "oversmoothing")


@pytest.fixture(scope="module")
def photo() -> Image:
    return read_image(bundled_folder() / "coffee.png").image[60:316, 150:406]


def decidable(fault: str, *, lq: Image, hq: Image, strength: float | None = None) -> bool:
    plugin = plugins.load("faults", fault, Fault)
    chosen = plugin.subtle if strength is None else strength
    pair = GoodPair(lq=lq, hq=hq, other=hq[::-1].copy())
    return plugin.plant(pair, chosen, np.random.default_rng(0)).decidable


def degraded(image: Image, kind: str, strength: float = 0.5) -> Image:
    plugin = plugins.load("degradations", kind, Degradation)
    return plugin.apply(image, strength, np.random.default_rng(1)).image


@pytest.mark.parametrize("fault", [*GEOMETRY, *CONTENT, "hue", "desaturation"])
def test_an_lq_of_nothing_but_noise_shows_no_fault(photo, fault):
    noise = np.random.default_rng(0).normal(128, 20, photo.shape)
    assert not decidable(fault, lq=np.clip(noise, 0, 255).astype(np.uint8), hq=photo)


@pytest.mark.parametrize("fault", [*GEOMETRY, *CONTENT, "hue", "desaturation", "cast"])
def test_a_mildly_noisy_lq_shows_every_fault(photo, fault):
    assert decidable(fault, lq=degraded(photo, "noise", 0.0), hq=photo)


@pytest.mark.parametrize("fault", ["hue", "desaturation"])
def test_a_grey_lq_shows_no_colours(photo, fault):
    grey = np.repeat(photo.mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert not decidable(fault, lq=grey, hq=photo, strength=0.8)


def test_a_faded_sepia_photo_does_not_show_a_subtle_cast(photo):
    assert not decidable("cast", lq=degraded(photo, "old", 0.8), hq=photo)


def test_a_blurred_lq_does_not_show_that_fine_texture_was_smoothed(photo):
    assert not decidable("oversmoothing", lq=degraded(photo, "defocus", 0.8), hq=photo)
    assert decidable("oversmoothing", lq=degraded(photo, "jpeg", 0.0), hq=photo)


@pytest.mark.parametrize(
    ("kind", "expected"), [("haze", False), ("noise", True), ("snow", True), ("defocus", True)]
)
def test_half_a_veil_looks_like_a_thinner_one_and_half_the_noise_does_not(photo, kind, expected):
    assert decidable("residual_degradation", lq=degraded(photo, kind), hq=photo) == expected


def test_nearly_all_of_a_veil_is_seen(photo):
    assert decidable("residual_degradation", lq=degraded(photo, "haze"), hq=photo, strength=1.0)


@pytest.mark.parametrize("fault", ["unchanged", "swapped", "half_restored", "residual_degradation"])
def test_sides_that_are_alike_cannot_be_told_apart(photo, fault):
    assert not decidable(fault, lq=photo.copy(), hq=photo, strength=1.0)
