import cv2
import numpy as np
import pytest
from skimage import data

from ggt.faults import GoodPair, half_restored
from ggt.measure.seams import seam_features

CLEAN = np.ascontiguousarray(data.astronaut())
NOISE = np.random.default_rng(0).normal(0, 12, CLEAN.shape)
LQS = {
    "blurred": cv2.GaussianBlur(CLEAN, (0, 0), 2.0),
    "noisy": np.clip(CLEAN + NOISE, 0, 255).round().astype(np.uint8),
    "hazy": (CLEAN * 0.5 + 100).round().astype(np.uint8),
}


@pytest.mark.parametrize("name", LQS)
@pytest.mark.parametrize("strength", [0.25, 1.0])
def test_a_half_restored_picture_has_a_line_at_which_the_change_steps(name, strength):
    whole = seam_features(LQS[name], CLEAN)
    pair = GoodPair(LQS[name], CLEAN, CLEAN)
    for seed in range(4):
        half = half_restored.plant(pair, strength, np.random.default_rng(seed)).hq
        found = seam_features(LQS[name], half)
        assert found["seam_line"] > whole["seam_line"] + 1.5


def test_bars_are_measured_where_only_the_candidate_has_them():
    barred = CLEAN.copy()
    barred[:40] = barred[-40:] = 0
    assert seam_features(CLEAN, barred)["bars_px"] == 40
    assert seam_features(barred, barred)["bars_px"] == 0
