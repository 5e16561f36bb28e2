"""Drift: a model that answers otherwise than at the beginning pauses the build, which says what moved."""

import json

import pytest

from ggt.settings.drift import DriftSettings
from ggt.stages.drift import Probe, Round, judged_probe, what_moved
from ggt.stages.probes import CANARIES, SENTINELS, TRUE, make_canaries, make_sentinels, true_psnr
from ggt.stages.restore import Candidate
from ggt.types import AspectVerdict, Assessment, Box, JudgedBy
from stages.test_models_build import build, simulated
from stages.test_models_build import photos as photos  # the fixture

SETTINGS = DriftSettings()


def canaries(values, *, first=0, version="m-1"):
    return [
        Round(
            str((first + n) % len(CANARIES)),
            first + n,
            Probe(answered=value is not None, version=version, psnr_db=value),
        )
        for n, value in enumerate(values)
    ]


def sentinels(rights, *, first=0):
    return [
        Round(
            str((first + n) % len(SENTINELS)), first + n, Probe(answered=True, version="j", right=r)
        )
        for n, r in enumerate(rights)
    ]


def test_canaries_that_stay_where_they_were_move_nothing():
    usual = [20.0, 25.0, 30.0, 35.0]
    assert what_moved(canaries([*usual, 20.3, 24.8, 30.1, 34.9]), SETTINGS, is_mfm=True) is None


def test_a_fall_of_every_canary_is_told_with_both_means():
    usual = [20.0, 25.0, 30.0, 35.0]
    rounds = canaries(usual) + canaries([16.0, 21.0, 26.5, 30.5], first=4, version="m-2")
    told = what_moved(rounds, SETTINGS, is_mfm=True)
    assert "went from 27.50 to 23.50" in told
    assert "['m-1'] became ['m-2']" in told


def test_one_canary_that_falls_far_is_chance_until_the_others_follow():
    usual = [20.0, 25.0, 30.0, 35.0]
    assert what_moved(canaries([*usual, 8.0, 25.0, 30.0, 35.0]), SETTINGS, is_mfm=True) is None


def test_too_few_probes_say_nothing():
    assert what_moved(canaries([30.0] * 4 + [5.0] * 3), SETTINGS, is_mfm=True) is None


def test_a_model_that_stops_answering_has_moved():
    told = what_moved(canaries([30.0] * 4 + [None] * 4), SETTINGS, is_mfm=True)
    assert "share of probes answered went from 1.00 to 0.00" in told


def test_a_judge_that_calls_everything_good_has_moved():
    size = len(SENTINELS)
    told = what_moved(sentinels([True] * size + [False] * size), SETTINGS, is_mfm=False)
    assert "share of sentinels judged rightly went from 1.00 to 0.00" in told
    assert what_moved(sentinels([True] * 2 * size), SETTINGS, is_mfm=False) is None


def judged(levels, verdict="reject"):
    aspects = tuple(AspectVerdict(aspect, level, 1.0) for aspect, level in levels.items())
    by = JudgedBy("vlm", "j", ("j-1",), "", 1, 0, 0.0)
    return Assessment(verdict, None, (), aspects, None, {}, Box(0, 0, 64, 64), judged_by=by)


def test_a_sentinel_is_judged_rightly_when_an_aspect_that_should_notice_it_does(tmp_path):
    made = {s.name.partition(" ")[2]: s for s in make_sentinels(64, tmp_path)}
    hue = made["hue"]
    noticed = judged_probe(hue, judged({"colour_consistency": 2}), min_level=3)
    assert (noticed.right, noticed.noticed) == (True, ("colour_consistency",))
    blamed = judged_probe(hue, judged({"geometry_alignment": 1}), min_level=3)
    assert (blamed.right, blamed.noticed) == (False, ())
    truth = made[TRUE]
    assert judged_probe(truth, judged({"colour_consistency": 4}), min_level=3).right
    assert not judged_probe(truth, judged({"colour_consistency": 2}), min_level=3).right
    unread = judged_probe(truth, judged({}, "unjudged"), min_level=3)
    assert (unread.answered, unread.right) == (False, None)


def test_canaries_and_sentinels_are_the_same_each_time(tmp_path):
    one, two = (make_canaries(64, tmp_path / name) for name in "ab")
    assert [c.lq.pixel_hash for c in one] == [c.lq.pixel_hash for c in two]
    one, two = (make_sentinels(64, tmp_path / name) for name in "ab")
    assert [s.candidate.pixel_hash for s in one] == [s.candidate.pixel_hash for s in two]
    assert len({s.candidate.pixel_hash for s in one}) == len(SENTINELS)


def test_a_canary_restored_to_its_truth_scores_above_the_lq_itself(tmp_path):
    (canary, *_) = make_canaries(64, tmp_path)
    itself = Candidate(canary.lq.blob, canary.lq.pixel_hash, {})
    truth = Candidate(canary.lq.truth_blob, "", {})
    assert true_psnr(canary.lq, truth, tmp_path) == 99.0
    assert 10 < true_psnr(canary.lq, itself, tmp_path) < 40


def test_a_provider_that_changes_in_the_middle_pauses_the_build_until_somebody_accepts_it(
    photos, tmp_path
):
    recipe = (tmp_path / "recipe.toml").read_text().replace("share = 0.0", "share = 0.5")
    (tmp_path / "recipe.toml").write_text(recipe)
    options = ("--restorer", "nano_banana_2", "--budget", "60")
    with simulated(tmp_path, faults="planted = { hue = 0.0 }\n") as server:
        done = build(tmp_path, server, *options, "--samples", "2")
        assert done.returncode == 0, done.stderr
        server.behave('restorer = "echo"\nrelease = "b"\n')
        paused = build(tmp_path, server, *options, "--samples", "5")
        assert paused.returncode == 3, paused.stdout
        told = json.loads(paused.stdout)
        assert "nano_banana_2 no longer answers as it did" in told["stopped"]
        ((model, moved),) = [(d["model"], d["moved"]) for d in told["drift"]]
        assert model == "nano_banana_2"
        assert "mean PSNR of canaries" in moved
        num_requests = len(server.lines)
        again = build(tmp_path, server, *options, "--samples", "5")
        assert again.returncode == 3
        assert len(server.lines) == num_requests
        accepted = build(tmp_path, server, *options, "--samples", "5", "--accept-drift")
        assert accepted.returncode == 0, accepted.stdout
        assert json.loads(accepted.stdout)["drift"] == []


@pytest.mark.parametrize("share", [-0.1, 0.6])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ValueError, match="share"):
        DriftSettings(share=share)
