"""What every judge promises, over every file in the folder."""

import numpy as np
import pytest

from ggt import plugins
from ggt.judges import AskingJudge, Judge, JudgeTask
from ggt.judges._detectors import suspect
from ggt.judges.measured import shipped
from ggt.measure.evidence import Evidence
from ggt.types import ASPECTS, CATEGORIES, Box
from vlm_answers import aspect, judgement, kept_item


@pytest.fixture
def usual():
    """Evidence of the most usual faithful pair: every measurement at its middle."""
    features = {
        name: centre
        for detector in shipped().detectors.values()
        for name, centre in zip(detector.names, detector.centres, strict=True)
    }
    return Evidence((1024, 1024), (1024, 1024), Box(0, 0, 1024, 1024), features=features)


JUDGES = {
    name: plugins.load("judges", name, (Judge, AskingJudge)) for name in plugins.names("judges")
}
MEASURING = [name for name, judge in JUDGES.items() if isinstance(judge, Judge)]
ASKING = [name for name, judge in JUDGES.items() if isinstance(judge, AskingJudge)]


@pytest.mark.parametrize("name", JUDGES)
def test_a_judge_cites_a_source(name):
    assert JUDGES[name].source


@pytest.mark.parametrize("name", MEASURING)
def test_a_judge_that_measures_returns_all_aspects_in_order_twice_alike(name, usual):
    aspects = JUDGES[name].judge(usual, "general", 1.0)
    assert tuple(aspect.aspect for aspect in aspects) == ASPECTS
    assert JUDGES[name].judge(usual, "general", 1.0) == aspects


@pytest.mark.parametrize("name", ASKING)
@pytest.mark.parametrize("shape", [(1, 1), (97, 301)])
@pytest.mark.parametrize("category", CATEGORIES)
def test_a_judge_that_asks_shows_both_sides_untouched_among_texts(name, shape, category):
    lq = np.random.default_rng(5).integers(0, 256, (*shape, 3), dtype=np.uint8)
    candidate = 255 - lq
    task = JudgeTask(lq, candidate, category, (kept_item("a face"),))
    parts = JUDGES[name].content(task)
    pictures = [part for part in parts if not isinstance(part, str)]
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in pictures)
    assert np.array_equal(pictures[0], lq)
    assert np.array_equal(pictures[1], candidate)
    assert isinstance(parts[0], str)
    again = JUDGES[name].content(task)
    assert all(np.array_equal(one, other) for one, other in zip(parts, again, strict=True))


@pytest.mark.parametrize("name", ASKING)
def test_a_judge_that_asks_has_a_version_and_returns_all_aspects_in_order(name):
    assert len(JUDGES[name].version) == 64
    votes = [judgement(), judgement(("1 a face", "gone"), geometry_alignment=aspect(0))]
    opinion = JUDGES[name].opinion(votes, Box(0, 0, 64, 64), 3)
    assert tuple(one.aspect for one in opinion.aspects) == ASPECTS
    assert 0 <= opinion.flip_rate <= 1


def test_measured_passes_the_usual_faithful_pair(usual):
    judge = plugins.load("judges", "measured", Judge)
    assert all(aspect.level >= 3 for aspect in judge.judge(usual, "general", 1.0))


def test_measured_blames_geometry_for_a_letterbox_and_says_why(usual):
    judge = plugins.load("judges", "measured", Judge)
    barred = Evidence(
        usual.lq_size, usual.hq_size, usual.box, features={**usual.features, "bars_px": 60.0}
    )
    geometry = judge.judge(barred, "general", 1.0)[ASPECTS.index("geometry_alignment")]
    assert geometry.level < 3
    assert geometry.defects[0].kind == "letterbox"
    assert "bars_px" in geometry.defects[0].detail


def test_what_looks_for_rain_and_snow_left_behind_is_silent_elsewhere(usual):
    streaky = usual.features | {"flat_likeness_0": 1.0, "rest_spread": -1.0, "noise_1": -4.0}
    for category, heard in (("rain", True), ("snow", True), ("general", False), ("haze", False)):
        said = suspect(shipped(), streaky, category, strictness=1.0)
        assert ("occluders_left" in {suspicion.name for suspicion in said}) is heard
