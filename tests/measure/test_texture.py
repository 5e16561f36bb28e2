import cv2
import numpy as np
import pytest

from ggt.measure.texture import texture_features
from ggt.types import Plane

SIDE = 512


def grass(seed: int) -> Plane:
    field = np.random.default_rng(seed).normal(0, 1, (SIDE, SIDE)).astype(np.float32)
    field = cv2.GaussianBlur(field, (0, 0), 1.2)
    return field / field.std()


def meadow(seed: int) -> Plane:
    """A plain sky above grass; the grass differs by seed."""
    picture = np.full((SIDE, SIDE), 0.5, np.float32)
    picture[SIDE // 2 :] += 0.08 * grass(seed)[SIDE // 2 :]
    return picture


CLEAN = meadow(0)
REDRAWN = CLEAN * np.float32(0.81**0.5) + np.float32(0.19**0.5) * (meadow(1) - 0.5)
REDRAWN += np.float32(0.5 * (1 - 0.81**0.5))
NOISE = np.random.default_rng(5).normal(0, 1, (SIDE, SIDE)).astype(np.float32)
LQS = {
    "blurred": cv2.GaussianBlur(CLEAN, (0, 0), 1.0),
    "noisy": CLEAN + np.float32(0.01) * NOISE,
    "hazy": CLEAN * np.float32(0.4) + np.float32(0.4),
}


@pytest.mark.parametrize("name", LQS)
def test_the_photo_itself_leaves_no_texture_unexplained(name):
    found = texture_features(LQS[name], CLEAN)
    assert max(found[f"texture_excess_{ring}"] for ring in range(3)) < 0.05
    assert min(found[f"texture_likeness_{ring}"] for ring in range(3)) > 0.95


@pytest.mark.parametrize("name", LQS)
def test_texture_of_which_a_fifth_was_redrawn_leaves_what_noise_does_not_account_for(name):
    found = texture_features(LQS[name], REDRAWN)
    assert found["texture_excess_1"] == pytest.approx(0.19 / 0.81, abs=0.08)
    assert found["texture_likeness_1"] == pytest.approx(0.9, abs=0.03)


def test_a_motion_blur_is_explained_below_its_first_zero():
    found = texture_features(cv2.blur(CLEAN, (5, 1)), CLEAN)
    assert found["texture_likeness_0"] > 0.97


def test_noise_makes_textures_less_clear():
    noisy = texture_features(CLEAN + np.float32(0.03) * NOISE, CLEAN)
    assert noisy["texture_clear_3"] < texture_features(CLEAN, CLEAN)["texture_clear_3"] - 2


def test_a_picture_without_texture_has_finite_features():
    flat = np.full((256, 256), 0.5, np.float32)
    assert np.isfinite(list(texture_features(flat, flat).values())).all()
