import csv
import math

import numpy as np
import pytest

from ggt.errors import MissingWeightsError, UnknownPluginError, UsageError
from ggt.images import encode_jpeg, encode_png, read_image
from ggt.metrics.naturalness import naturalness
from ggt.metrics.psnr import psnr
from ggt.metrics.ssim import ssim
from ggt.stages.score import mean_interval, score, write_scores


def picture(seed, height=64, width=72):
    rng = np.random.default_rng(seed)
    waves = 120 + 60 * np.sin(np.arange(height)[:, None] / 5 + np.arange(width) / 7)
    return np.clip(waves[..., None] + rng.normal(0, 12, (height, width, 3)), 0, 255).astype(
        np.uint8
    )


@pytest.fixture
def folders(tmp_path):
    """Three pairs, one of them in a subfolder."""
    restored, gt = tmp_path / "out", tmp_path / "gt"
    for seed, name in enumerate(("a", "b", "night/c")):
        for folder, image in ((restored, picture(seed)), (gt, picture(seed + 10))):
            path = folder / f"{name}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_png(image))
    return restored, gt


def test_each_image_is_scored_against_the_gt_of_its_name(folders):
    report = score(*folders, ["psnr", "ssim"])
    assert [image.name for image in report.images] == ["a", "b", "night/c"]
    assert report.failures == ()
    for seed, image in enumerate(report.images):
        pair = picture(seed), picture(seed + 10)
        assert image.scores == {"psnr@gt": psnr(*pair), "ssim@gt": ssim(*pair)}


def test_the_summary_holds_definition_mean_and_interval(folders):
    report = score(*folders, ["psnr"])
    [summary] = report.summaries
    values = [image.scores["psnr@gt"] for image in report.images]
    assert summary.definition.startswith("psnr:RGB")
    assert summary.higher_is_better
    assert summary.mean == pytest.approx(np.mean(values))
    assert min(values) <= summary.low <= summary.mean <= summary.high <= max(values)


def test_the_interval_is_fixed_by_the_seed():
    values = np.random.default_rng(0).normal(5, 2, 40)
    assert mean_interval(values, seed=3) == mean_interval(values, seed=3)
    assert mean_interval(values, seed=3) != mean_interval(values, seed=4)


def test_the_interval_of_many_values_is_that_of_the_normal_law():
    values = np.random.default_rng(0).normal(5, 2, 400)
    half = 1.96 * values.std() / 20
    low, high = mean_interval(values, seed=0)
    assert low == pytest.approx(values.mean() - half, abs=0.02)
    assert high == pytest.approx(values.mean() + half, abs=0.02)


def test_one_image_has_a_mean_and_no_interval(folders):
    restored, gt = folders
    for folder in folders:
        (folder / "b.png").unlink()
        (folder / "night" / "c.png").unlink()
    [summary] = score(restored, gt, ["psnr"]).summaries
    assert summary.mean is not None
    assert summary.low is summary.high is None


def test_identical_images_are_counted_as_infinite_and_stay_out_of_the_mean(folders):
    restored, gt = folders
    (restored / "a.png").write_bytes((gt / "a.png").read_bytes())
    report = score(restored, gt, ["psnr"])
    [summary] = report.summaries
    assert report.images[0].scores["psnr@gt"] == math.inf
    assert (summary.num_images, summary.num_infinite) == (3, 1)
    assert math.isfinite(summary.mean)


def test_only_identical_images_have_no_mean(folders):
    _, gt = folders
    [summary] = score(gt, gt, ["psnr"]).summaries
    assert (summary.num_infinite, summary.mean, summary.low) == (3, None, None)


def test_metrics_without_reference_need_no_gt(folders, tmp_path):
    large = tmp_path / "large"
    large.mkdir()
    (large / "x.png").write_bytes(encode_png(picture(1, 200, 290)))
    report = score(large, None, ["naturalness"])
    assert report.images[0].scores == {"naturalness": naturalness(picture(1, 200, 290))}


def test_a_comparison_without_a_gt_folder_is_refused(folders):
    with pytest.raises(UsageError, match="'ssim' compares with a gt"):
        score(folders[0], None, ["ssim"])


def test_a_misspelt_metric_is_refused_with_the_nearest(folders):
    with pytest.raises(UnknownPluginError, match="Did you mean 'psnr'"):
        score(*folders, ["pnsr"])
    with pytest.raises(UsageError, match=r"no metric was named.*psnr"):
        score(*folders, [])


def test_missing_weights_stop_before_any_work(folders, tmp_path, monkeypatch):
    monkeypatch.setenv("GGT_WEIGHTS_DIR", str(tmp_path / "none"))
    shown = []
    with pytest.raises(MissingWeightsError, match="ggt weights import"):
        score(*folders, ["psnr", "niqe"], show=lambda done, total: shown.append(done))
    assert shown == []


def test_suffixes_may_differ(folders):
    restored, gt = folders
    (restored / "a.png").unlink()
    (restored / "a.jpg").write_bytes(encode_jpeg(picture(0), quality=95))
    report = score(restored, gt, ["psnr"])
    assert report.failures == ()
    decoded = read_image(restored / "a.jpg").image
    assert report.images[0].scores["psnr@gt"] == psnr(decoded, picture(10))


def failure(report, name):
    [found] = [failure for failure in report.failures if failure.name == name]
    return found


def test_an_unreadable_image_is_listed_and_the_rest_goes_on(folders):
    restored, gt = folders
    (restored / "a.png").write_bytes((restored / "a.png").read_bytes()[:300])
    (restored / "b.png").write_text("hello")
    report = score(restored, gt, ["psnr"])
    assert [image.name for image in report.images] == ["night/c"]
    assert "a.png" in failure(report, "a").reason
    assert failure(report, "b").column is None


def test_what_has_no_partner_is_listed_on_either_side(folders):
    restored, gt = folders
    (restored / "a.png").rename(restored / "extra.png")
    report = score(restored, gt, ["psnr"])
    assert "no gt of the same name" in failure(report, "extra").reason
    assert "no restored image" in failure(report, "a").reason


def test_unequal_sizes_are_listed_once_however_many_metrics_compare(folders):
    restored, gt = folders
    (restored / "a.png").write_bytes(encode_png(picture(0, 63)))
    report = score(restored, gt, ["psnr", "ssim"])
    assert "72x63" in failure(report, "a").reason
    assert [summary.num_images for summary in report.summaries] == [2, 2]


def test_an_image_too_small_for_one_metric_keeps_its_other_scores(folders):
    restored, gt = folders
    for folder in folders:
        (folder / "a.png").write_bytes(encode_png(picture(3, 8)))
    report = score(restored, gt, ["psnr", "ssim"])
    assert set(report.images[0].scores) == {"psnr@gt"}
    assert failure(report, "a").column == "ssim@gt"


def test_a_second_file_of_the_same_name_is_listed(folders):
    restored, gt = folders
    (restored / "a.jpg").write_bytes(encode_jpeg(picture(0), quality=95))
    report = score(restored, gt, ["psnr"])
    assert "has the same name" in failure(report, "a").reason
    assert len(report.images) == 3


def test_files_that_are_no_images_are_named_as_ignored(folders):
    restored, gt = folders
    logs = [folder / "log.txt" for folder in folders]
    for log in logs:
        log.write_text("x")
    assert score(restored, gt, ["psnr"]).ignored == tuple(str(log) for log in logs)


def test_the_csv_holds_every_score_with_its_definition_and_every_failure(folders, tmp_path):
    restored, gt = folders
    (restored / "a.png").rename(restored / 'odd "name",\n<script>.png')
    report = score(restored, gt, ["psnr", "ssim"])
    write_scores(tmp_path / "scores.csv", report)
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    values = {(row["image"], row["metric"]): row for row in rows if row["value"]}
    assert float(values["b", "psnr@gt"]["value"]) == psnr(picture(1), picture(11))
    assert values["b", "ssim@gt"]["definition"].startswith("ssim:Y=")
    assert {row["image"] for row in rows if row["failure"]} == {"a", 'odd "name",\n<script>'}


def test_progress_counts_the_images(folders):
    shown = []
    score(*folders, ["psnr"], show=lambda done, total: shown.append((done, total)))
    assert shown == [(1, 3), (2, 3), (3, 3)]
