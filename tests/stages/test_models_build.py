"""Builds with models behind an interface, over the vendors' own SDKs, against the simulated provider."""

import json
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest

from ggt.engine.inbox import stored_replies
from ggt.images import encode_png, read_image, resize
from ggt.sources.bundled import bundled_folder
from ggt.stages.degrade import degrade_image
from ggt.stages.outcomes import pairs, rejected
from ggt.stages.release.publish import ReleaseRequest, publish
from ggt.stages.spending import spending
from ggt.store.costs import each_send
from ggt.store.workspace import open_readonly
from rehearsal import SIDE, write_photos
from simulated_provider import simulated_provider

RECIPE = f"""
[ingest]
side = {SIDE}
set_aside_clean = false
[quality.align]
min_side = 192
[drift]
share = 0.0
"""


@pytest.fixture
def photos(tmp_path):
    (tmp_path / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    return write_photos(tmp_path)


def build(tmp_path, server, *options, models="", **environment):
    (tmp_path / "models.toml").write_text(models, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "ggt", "build", str(tmp_path / "photos"), "--json"),
        *("--out", str(tmp_path / "ws"), "--recipe", str(tmp_path / "recipe.toml"), *options),
    ]
    env = {**os.environ, **server.environment, "GGT_MODELS": str(tmp_path / "models.toml")}
    return subprocess.run(
        command, env=env | environment, capture_output=True, text=True, check=False
    )


def simulated(tmp_path, **named):
    return simulated_provider(
        tmp_path, truths=tmp_path / "photos", recipe=tmp_path / "recipe.toml", **named
    )


def elsewhere(server):
    """The simulator's address, written so that it does not look like this machine."""
    url = server.environment["GOOGLE_GEMINI_BASE_URL"].replace("127.0.0.1", "[::ffff:127.0.0.1]")
    return {"GOOGLE_GEMINI_BASE_URL": url}


FAITHFUL = "planted = { hue = 0.0 }\n"


def test_a_vlm_writes_a_model_restores_a_vlm_judges_and_the_second_run_sends_nothing(
    photos, tmp_path
):
    options = ("--restorer", "nano_banana_2", "--prompt", "adaptive", "--vlm", "gpt_6_1_sol")
    options += ("--judge", "vlm", "--votes", "2", "--budget", "20")
    with simulated(tmp_path, faults=FAITHFUL) as server:
        done = build(tmp_path, server, *options)
        assert done.returncode == 0, done.stderr
        num_requests = len(server.lines)
        assert build(tmp_path, server, *options).returncode == 0
        assert len(server.lines) == num_requests
        bill = server.usd
    status = json.loads(done.stdout)
    assert status["spend_usd"]["settled"] == pytest.approx(bill, abs=1e-4)
    assert stored_replies(tmp_path / "ws" / "inbox") == {}
    with open_readonly(tmp_path / "ws") as reading:
        made = list(pairs(reading))
        sends = list(each_send(reading.ledger, in_doubt=False))
        spent = spending(reading)
    assert made
    for pair in made:
        assert pair.assurance == "measured"  # a simulated judge proves nothing
        assert pair.version.startswith("simulated-")
        assert not pair.ground_truth
        assert pair.assessment.judged_by.num_votes == 2
        assert pair.assessment.judged_by.flip_rate == 0.0
        assert pair.prompt.strategy == "adaptive"
    assert Counter(send.stage for send in sends)["prompt"] >= 4
    assert {send.vote for send in sends if send.stage == "judge"} == {0, 1}
    assert all(send.remote_id for send in sends)
    assert spent.whole.num_pairs == len(made)
    assert spent.whole.spent_usd == pytest.approx(bill, abs=1e-4)
    assert sum(share.spent_usd for share in spent.by_attempt) == pytest.approx(bill, abs=1e-4)


def test_what_a_simulation_made_is_stamped_in_the_release(photos, tmp_path):
    with simulated(tmp_path, faults=FAITHFUL) as server:
        done = build(
            tmp_path, server, "--restorer", "nano_banana_2", "--prompt", "fixed", "--budget", "20"
        )
    assert done.returncode == 0, done.stderr
    published = publish(tmp_path / "ws", ReleaseRequest(to=tmp_path / "out"))
    assert published.num_not_ground_truth == published.num_train > 0
    assert "not-ground-truth" in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_two_restorers_and_two_samples_make_four_lanes_and_losers_are_kept(photos, tmp_path):
    options = ("--restorer", "nano_banana_2,gpt_image_2", "--samples", "2", "--budget", "40")
    with simulated(tmp_path) as server:
        done = build(tmp_path, server, *options)
    assert done.returncode == 0, done.stderr
    with open_readonly(tmp_path / "ws") as reading:
        (num_lanes,) = reading.ledger.execute("SELECT count(*) FROM lane").fetchone()
        made, lost = list(pairs(reading)), list(rejected(reading))
    assert num_lanes == 16
    assert len({pair.id for pair in made}) == len(made) >= 3
    assert lost


def test_a_budget_stops_before_it_is_passed_and_goes_on_when_raised(photos, tmp_path):
    options = ("--restorer", "nano_banana_2", "--prompt", "fixed")
    with simulated(tmp_path, faults=FAITHFUL) as server:
        stopped = build(tmp_path, server, *options, "--budget", "0.2")
        assert stopped.returncode == 3
        assert "Raise --budget" in json.loads(stopped.stdout)["stopped"]
        assert server.usd <= 0.2
        done = build(tmp_path, server, *options, "--budget", "20")
        assert done.returncode == 0, done.stderr


def test_a_daily_limit_stops_cleanly_and_the_next_run_goes_on(photos, tmp_path):
    options = ("--restorer", "nano_banana_2", "--prompt", "fixed")
    with simulated(tmp_path, faults="[faults]\nrate_limit_day = 1.0\n") as server:
        stopped = build(tmp_path, server, *options)
        assert stopped.returncode == 3
        assert "takes no more" in json.loads(stopped.stdout)["stopped"]
        assert json.loads(stopped.stdout)["spend_usd"]["settled"] == 0
        server.behave("faults = {}\n")
        done = build(tmp_path, server, *options)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("missing", ["key", "retired", "vlm", "judge"])
def test_what_is_missing_is_found_before_anything_is_sent(missing, photos, tmp_path):
    options, models, environment = ["--restorer", "nano_banana_2"], "", {}
    if missing == "key":
        environment = {"GEMINI_API_KEY": ""}
        told = "GEMINI_API_KEY"
    elif missing == "retired":
        models, told = "[nano_banana_2]\nretires_on = 2026-01-01\n", "retired"
    elif missing == "vlm":
        options += ["--prompt", "adaptive"]
        told = "--vlm"
    else:
        options += ["--judge", "vlm", "--vlm", "measured"]
        told = "cannot judge"
    with simulated(tmp_path) as server:
        done = build(tmp_path, server, *options, models=models, **environment)
        assert done.returncode == 2
        assert told in done.stderr
        assert server.lines == []
    assert not (tmp_path / "ws" / "ledger.sqlite").exists()


def test_a_vlm_that_talks_instead_of_judging_leaves_the_pair_to_people(photos, tmp_path):
    options = ("--restorer", "nano_banana_2", "--judge", "vlm", "--vlm", "gemini_3_1_pro")
    with simulated(
        tmp_path, faults="planted = { hue = 0.0 }\n[faults]\nbad_json = 1.0\n"
    ) as server:
        done = build(tmp_path, server, *options, "--budget", "20")
    assert done.returncode == 0, done.stderr
    stages = Counter(fate["stage"] for fate in json.loads(done.stdout)["fates"])
    assert stages["review"] > 0
    assert stages["pair"] == 0


def test_flags_that_bar_an_upload_keep_the_photo_here_and_dropping_them_brings_it_back(
    photos, tmp_path
):
    options = ("--restorer", "nano_banana_2", "--budget", "20")
    with simulated(tmp_path, faults=FAITHFUL) as server:
        done = build(tmp_path, server, *options, "--no-upload", "faces", **elsewhere(server))
        fates = {(f["stage"], f["reason"]): f["count"] for f in json.loads(done.stdout)["fates"]}
        assert fates["set_aside", "not_uploaded"] == 1, done.stdout  # the astronaut
        num_requests = len(server.lines)
        assert num_requests > 0
        done = build(tmp_path, server, *options, **elsewhere(server))
        fates = {f["stage"] for f in json.loads(done.stdout)["fates"]}
        assert "set_aside" not in fates
        assert len(server.lines) > num_requests


def test_flags_that_nobody_here_can_see_are_refused_at_once(photos, tmp_path):
    with simulated(tmp_path) as server:
        done = build(tmp_path, server, "--restorer", "nano_banana_2", "--no-upload", "nsfw")
        assert done.returncode == 2
        assert "cannot see 'nsfw'" in done.stderr
        assert server.lines == []


def test_pairs_of_photos_with_faces_wait_for_people_when_the_recipe_says_so(photos, tmp_path):
    options = ("--restorer", "nano_banana_2", "--budget", "20", "--review", "faces")
    with simulated(tmp_path, faults=FAITHFUL) as server:
        done = build(tmp_path, server, *options)
    assert done.returncode == 0, done.stderr
    reasons = {f["reason"]: f["stage"] for f in json.loads(done.stdout)["fates"]}
    assert reasons["flagged, waits for people"] == "review"


def test_review_that_is_asked_for_later_reopens_and_holds_for_pairs_made_before(photos, tmp_path):
    options = ("--restorer", "nano_banana_2", "--budget", "20")
    with simulated(tmp_path, faults=FAITHFUL) as server:
        assert build(tmp_path, server, *options).returncode == 0
        num_requests = len(server.lines)
        refused = build(tmp_path, server, *options, "--review", "faces")
        assert refused.returncode == 2
        assert "[flags]" in refused.stderr
        done = build(tmp_path, server, *options, "--review", "faces", "--reopen")
        assert len(server.lines) == num_requests  # every call is answered from the ledger
    reasons = {fate["reason"] for fate in json.loads(done.stdout)["fates"]}
    assert "flagged, waits for people" in reasons


def test_reopening_pays_for_no_probe_when_every_call_is_answered(photos, tmp_path):
    path = tmp_path / "recipe.toml"
    path.write_text(path.read_text().replace("share = 0.0", "share = 0.5"))
    options = ("--restorer", "nano_banana_2", "--budget", "60", "--samples", "2")
    with simulated(tmp_path, faults=FAITHFUL) as server:
        assert build(tmp_path, server, *options).returncode == 0
        num_requests = len(server.lines)
        path.write_text(path.read_text() + "[quality.judge]\nmin_level = 2\n")
        again = build(tmp_path, server, *options, "--reopen")
        assert again.returncode == 0, again.stderr
        assert len(server.lines) == num_requests


def tile(name):
    one = read_image(next(bundled_folder().glob(f"{name}.*"))).image
    side = min(one.shape[:2])
    return resize(one[:side, :side].copy(), SIDE, SIDE)


def test_a_photo_of_which_one_crop_shows_a_face_is_not_uploaded_at_all(tmp_path):
    rows = [
        np.hstack([tile("coffee"), tile("chelsea")]),
        np.hstack([tile("rocket"), tile("astronaut")]),
    ]
    truth = np.ascontiguousarray(np.vstack(rows))
    lq = degrade_image(truth, kind="noise", strength=0.2, seed=1).image
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(encode_png(np.ascontiguousarray(lq)))
    (tmp_path / "truth.png").write_bytes(encode_png(truth))
    sidecar = "file,category,licence,truth\na.png,general,CC0-1.0,../truth.png\n"
    (tmp_path / "photos" / "photos.csv").write_text(sidecar)
    cropped = RECIPE.replace("[ingest]", '[ingest]\nnative = ["general"]\ncrops = 4')
    (tmp_path / "recipe.toml").write_text(cropped)
    options = ("--restorer", "nano_banana_2", "--budget", "20", "--no-upload", "faces")
    with simulated(tmp_path, faults=FAITHFUL) as server:
        done = build(tmp_path, server, *options, **elsewhere(server))
        assert server.lines == []
    reasons = {fate["reason"] for fate in json.loads(done.stdout)["fates"]}
    assert reasons == {"not_uploaded"}
