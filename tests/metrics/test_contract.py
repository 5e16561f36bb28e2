"""What every metric plugin promises, over every file in the folder."""

import math

import numpy as np
import pytest

from docs_examples import example_plugin
from ggt import plugins
from ggt.errors import MissingWeightsError, NotMeasurableError
from ggt.metrics import FullReference, Metric, NoReference

METRICS = plugins.names("metrics")
SIZES = [(1, 1), (1, 300), (299, 1), (7, 5), (11, 11), (95, 97), (193, 201), (257, 300)]


def picture(height, width, seed=11):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:height, :width]
    base = 120 + 50 * np.sin(rows / 9) + 40 * np.cos(columns / 5 + rows / 23)
    return np.clip(base[..., None] + rng.normal(0, 9, (height, width, 3)), 0, 255).astype(np.uint8)


def score(metric: Metric, image, gt) -> float:
    if isinstance(metric, FullReference):
        return metric.score(image, gt)
    return metric.score(image)


@pytest.fixture(params=METRICS)
def metric(request, published_weights) -> Metric:
    return plugins.load("metrics", request.param, Metric)


def test_there_are_metrics():
    assert {"psnr", "psnr_y", "ssim", "ssim_rgb", "niqe", "naturalness"} <= set(METRICS)


@pytest.mark.parametrize("name", METRICS)
def test_it_loads_and_says_what_it_is(name):
    metric = plugins.load("metrics", name, Metric)
    assert isinstance(metric, FullReference | NoReference)
    assert metric.definition.startswith(f"{name}:")
    assert len(metric.source) > 20
    assert any(character.isdigit() for character in metric.source), "a source has a year"


def test_definitions_are_unique():
    definitions = {plugins.load("metrics", name, Metric).definition for name in METRICS}
    assert len(definitions) == len(METRICS)


def number_or_refusal(metric: Metric, image, gt) -> float | str:
    try:
        return score(metric, image, gt)
    except NotMeasurableError as refusal:
        return str(refusal)


@pytest.mark.parametrize("size", SIZES)
def test_any_size_gives_a_number_or_a_refusal_that_names_the_size(metric, size):
    outcome = number_or_refusal(metric, picture(*size, seed=12), picture(*size))
    if isinstance(outcome, str):
        assert f"{size[1]}x{size[0]}" in outcome
    else:
        assert math.isfinite(outcome)


def test_a_flat_image_gives_a_number_or_a_refusal_that_says_flat(metric):
    outcome = number_or_refusal(metric, np.full((256, 256, 3), 77, np.uint8), picture(256, 256))
    if isinstance(outcome, str):
        assert "flat" in outcome
    else:
        assert math.isfinite(outcome)


def test_the_same_image_gives_the_same_number(metric):
    image, gt = picture(256, 256, seed=12), picture(256, 256)
    assert score(metric, image, gt) == score(metric, image.copy(), gt.copy())


def test_the_layout_in_memory_does_not_matter(metric):
    image, gt = picture(256, 256, seed=12), picture(256, 256)
    turned = np.asfortranarray(image)
    mirrored = image[:, ::-1].copy()[:, ::-1]
    assert score(metric, turned, gt) == score(metric, mirrored, gt) == score(metric, image, gt)


def test_the_inputs_are_not_changed(metric):
    image, gt = picture(256, 256, seed=12), picture(256, 256)
    image.setflags(write=False)
    gt.setflags(write=False)
    score(metric, image, gt)


def test_no_full_reference_score_is_better_than_that_of_the_gt_itself(metric):
    if not isinstance(metric, FullReference):
        pytest.skip("looks at one image alone")
    gt = picture(256, 256)
    best, other = metric.score(gt, gt.copy()), metric.score(picture(256, 256, seed=12), gt)
    assert best > other if metric.higher_is_better else best < other


@pytest.mark.parametrize("name", METRICS)
def test_missing_weights_are_named_with_the_remedy(name, tmp_path, monkeypatch):
    metric = plugins.load("metrics", name, Metric)
    if metric.weights is None:
        pytest.skip("needs no weights")
    monkeypatch.setenv("GGT_WEIGHTS_DIR", str(tmp_path))
    with pytest.raises(MissingWeightsError, match="ggt weights import"):
        score(metric, picture(256, 256), picture(256, 256))


def test_the_example_of_the_documentation_runs():
    example = example_plugin("add-a-metric.md")
    assert isinstance(example, FullReference)
    gt = np.full((2, 2, 3), 10, np.uint8)
    assert example.score(gt + np.uint8(2), gt) == 2
