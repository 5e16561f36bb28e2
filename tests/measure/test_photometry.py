"""Casts, turned hues and lost colour are measured apart from tone and haze."""

import cv2
import numpy as np
import pytest

from ggt.images import to_float, to_uint8
from ggt.measure.photometry import colour_features


@pytest.fixture(scope="module")
def colourful():
    rng = np.random.default_rng(8)
    patches = rng.uniform(0.15, 0.85, (12, 12, 3)).astype(np.float32)
    return to_uint8(cv2.resize(patches, (384, 384), interpolation=cv2.INTER_CUBIC))


def darker(image):
    return to_uint8(0.4 * to_float(image) ** np.float32(1.2))


def hazy(image):
    light = np.linspace(0.2, 0.6, image.shape[0], dtype=np.float32)[:, None, None]
    return to_uint8(to_float(image) * (1 - light) + 0.85 * light)


def test_tone_and_haze_alone_are_neither_cast_nor_hue(colourful):
    for lq in (darker(colourful), hazy(colourful)):
        features = colour_features(lq, colourful)
        assert features["cast_gain"] < 0.03
        assert features["hue_deg"] < 2
        assert abs(features["colour_lost"]) < 0.2


def test_a_cast_is_measured_as_the_logarithm_of_its_gains(colourful):
    warm = to_uint8(to_float(colourful) * np.array([1.1, 1.0, 1 / 1.1], np.float32))
    plain, cast = colour_features(colourful, colourful), colour_features(colourful, warm)
    assert plain["cast_gain"] < 0.005
    assert cast["cast_gain"] == pytest.approx(2 * np.log(1.1), rel=0.25)


def test_a_turned_hue_is_measured_in_degrees(colourful):
    matrix = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])
    cosine, sine = np.cos(np.deg2rad(20)), np.sin(np.deg2rad(20))
    turn = np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]])
    turned = to_uint8(
        to_float(colourful) @ (np.linalg.inv(matrix) @ turn @ matrix).T.astype(np.float32)
    )
    assert colour_features(colourful, turned)["hue_deg"] == pytest.approx(20, abs=2)


def test_lost_colour_shows_against_light_and_dark(colourful):
    grey = to_float(colourful).mean(axis=2, keepdims=True)
    pale = to_uint8(grey + np.float32(0.5) * (to_float(colourful) - grey))
    features = colour_features(colourful, pale)
    assert features["colour_lost"] == pytest.approx(np.log(2), abs=0.15)
