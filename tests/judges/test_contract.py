"""What every judge promises, over every file in the folder."""

import pytest

from ggt import plugins
from ggt.judges import Judge
from ggt.judges._detectors import suspect
from ggt.judges.measured import shipped
from ggt.measure.evidence import Evidence
from ggt.types import ASPECTS, Box


@pytest.fixture
def usual():
    """Evidence of the most usual faithful pair: every measurement at its middle."""
    features = {
        name: centre
        for detector in shipped().detectors.values()
        for name, centre in zip(detector.names, detector.centres, strict=True)
    }
    return Evidence((1024, 1024), (1024, 1024), Box(0, 0, 1024, 1024), features=features)


@pytest.mark.parametrize("name", plugins.names("judges"))
def test_a_judge_cites_a_source_and_returns_all_aspects_in_order(name, usual):
    judge = plugins.load("judges", name, Judge)
    aspects = judge.judge(usual, "general", 1.0)
    assert judge.source
    assert tuple(aspect.aspect for aspect in aspects) == ASPECTS
    assert judge.judge(usual, "general", 1.0) == aspects


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
