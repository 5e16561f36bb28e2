"""What is no restoration is never accepted, and the truth is: on a real photo in synthetic rain, by build and check."""

import numpy as np
import pytest

from ggt import plugins
from ggt.degradations import Degradation
from ggt.faults import Fault, GoodPair
from ggt.images import read_image
from ggt.settings.quality import JudgeSettings, QualitySettings
from ggt.stages.assess import assess, decide, evidence
from ggt.stages.calibration.candidates import restore_classically, restores
from ggt.stages.calibration.cases import square
from ggt.types import ASPECTS

QUALITY = QualitySettings()


@pytest.fixture(scope="module")
def truth(photos):
    return square(photos / "clean" / "camera_03.jpg", 1024)


@pytest.fixture(scope="module")
def rain(truth):
    plugin = plugins.load("degradations", "rain", Degradation)
    return plugin.apply(truth, 0.5, np.random.default_rng(1)).image


@pytest.fixture(scope="module")
def measured(rain, truth):
    return evidence(rain, truth, category="rain", quality=QUALITY, correct=True)


def judge(lq, candidate, *, correct=True):
    return assess(lq, candidate, category="rain", quality=QUALITY, correct=correct)


def test_the_truth_is_accepted_with_all_aspects_and_a_trust_map(measured):
    found = decide(measured, category="rain", quality=QUALITY)
    assert (found.verdict, found.stage, found.reasons) == ("accept", None, ())
    assert tuple(aspect.aspect for aspect in found.aspects) == ASPECTS
    assert min(aspect.level for aspect in found.aspects) >= 3
    assert np.array(found.trust_map).shape == (16, 16)
    assert np.median(found.trust_map) > 0.9


def test_deciding_again_needs_no_pixels_and_is_stricter_when_asked(measured):
    strict = QualitySettings(judge=JudgeSettings(min_level=5))
    assert decide(measured, category="rain", quality=strict).verdict == "reject"


@pytest.mark.parametrize("correct", [True, False])
def test_the_lq_itself_is_rejected_as_unchanged(rain, correct):
    found = judge(rain, rain, correct=correct)
    assert (found.verdict, found.defects[0].kind) == ("reject", "unchanged")


@pytest.mark.parametrize("correct", [True, False])
def test_added_noise_is_rejected_though_no_reference_scores_may_like_it(rain, correct):
    noise = np.random.default_rng(0).normal(0, 5, rain.shape)
    noisy = np.clip(rain + noise, 0, 255).astype(np.uint8)
    assert judge(rain, noisy, correct=correct).verdict == "reject"


@pytest.mark.parametrize("name", ["wrong_photo", "swapped", "mirror"])
def test_mix_ups_are_rejected(rain, truth, photos, name):
    other = square(photos / "clean" / "kodak_04.png", 1024)
    plugin = plugins.load("faults", name, Fault)
    planted = plugin.plant(GoodPair(rain, truth, other), 1.0, np.random.default_rng(2))
    assert judge(planted.lq, planted.hq).verdict == "reject"
    assert judge(planted.lq, planted.hq, correct=False).verdict == "reject"


@pytest.mark.parametrize(
    ("photo", "strength"), [("camera_03.jpg", 0.5), ("clean_05.jpg", 0.3), ("kodak_14.png", 0.8)]
)
def test_the_classical_engine_on_synthetic_rain_restores_nothing_and_is_rejected(
    photos, photo, strength
):
    truth = square(photos / "clean" / photo, 1024)
    plugin = plugins.load("degradations", "rain", Degradation)
    lq = plugin.apply(truth, strength, np.random.default_rng(7)).image
    made = restore_classically(lq, "rain")
    assert not restores(lq, made, truth)
    assert judge(lq, made).verdict == "reject"  # without the classical engine's own strictness, too
    assert judge(lq, truth).verdict == "accept"


def test_a_whole_pixel_shift_is_cropped_away_by_build_and_rejected_by_check(rain, truth):
    moved = np.roll(truth, (3, -2), axis=(0, 1))
    built, checked = judge(rain, moved), judge(rain, moved, correct=False)
    assert built.correction == (-2, 3)
    assert (built.box.width % 8, built.box.height % 8) == (0, 0)
    assert built.stage != "align"
    assert (checked.verdict, checked.stage) == ("reject", "align")
    assert checked.defects[0].kind == "shift"


def test_another_aspect_ratio_is_rejected_before_anything_is_measured(rain, truth):
    found = judge(rain, truth[:, :900])
    assert (found.verdict, found.stage, found.trust_map) == ("reject", "align", None)


def test_a_real_photo_that_is_not_restored_is_rejected(photos):
    lq = np.ascontiguousarray(read_image(photos / "lq" / "haze" / "haze_05.jpg").image[:704, :704])
    assert judge(lq, lq).verdict == "reject"
