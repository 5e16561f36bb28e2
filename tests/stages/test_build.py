"""A build from photos to pairs: every photo accounted for, nothing done twice, people heard."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from ggt.errors import UsageError, WorkspaceHeldError
from ggt.stages.build import build
from ggt.stages.outcomes import fates, for_people, pairs, rejected
from ggt.stages.prepare import ReopenError
from ggt.stages.review import export_decisions, export_waiting, import_decisions
from ggt.stages.status import exit_code, read_status
from ggt.store.decisions import Decision, Decisions
from ggt.store.workspace import hold, open_readonly
from ggt.types import Box
from rehearsal import request, small_recipe, write_photos


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A finished workspace with four rehearsed photos, a broken one, a copy and one too small."""
    folder: Path = tmp_path_factory.mktemp("built")
    photos = write_photos(folder)
    (photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    shutil.copy(photos / "coffee.png", photos / "zz copy of coffee.png")
    sidecar = photos / "photos.csv"
    sidecar.write_text(
        sidecar.read_text() + "zz copy of coffee.png,general,x,y,CC0-1.0,../truths/coffee.png\n"
    )
    assert build(request(photos, folder / "ws")) is None
    return folder


@pytest.fixture
def workspace(built, tmp_path):
    """A copy of it to change."""
    shutil.copytree(built, tmp_path / "copy")
    return tmp_path / "copy"


def rows(workspace, query):
    connection = sqlite3.connect(workspace / "ws" / "ledger.sqlite")
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_every_photo_is_accounted_for(built):
    status = read_status(built / "ws")
    assert status.num_photos == 6
    assert sum(status.fates.values()) == 6
    assert status.fates["failed", "unreadable"] == 1
    assert status.fates["set_aside", "duplicate"] == 1
    assert [path for path, _ in status.failures] == ["broken.jpg"]
    assert exit_code(status, None) == 1
    with open_readonly(built / "ws") as reading:
        assert len(list(fates(reading))) == 6


def test_a_second_run_does_nothing(workspace):
    before = {p: p.stat().st_mtime_ns for p in (workspace / "ws" / "blobs").rglob("*.png")}
    sends = rows(workspace, "SELECT * FROM send ORDER BY id")
    attempts = rows(workspace, "SELECT * FROM attempt ORDER BY id")
    assert build(request(workspace / "photos", workspace / "ws")) is None
    assert rows(workspace, "SELECT * FROM send ORDER BY id") == sends
    assert rows(workspace, "SELECT * FROM attempt ORDER BY id") == attempts
    after = {p: p.stat().st_mtime_ns for p in (workspace / "ws" / "blobs").rglob("*.png")}
    assert after == before


def test_a_new_photo_is_picked_up_and_the_others_stay(workspace):
    lqs = rows(workspace, "SELECT id, pixel_hash FROM lq ORDER BY id")
    more = write_photos(workspace / "more", ("astronaut",))
    shutil.copy(workspace / "truths" / "rocket.png", more / "aa.png")
    shutil.copy(more / "aa.png", workspace / "photos" / "aa.png")
    sidecar = workspace / "photos" / "photos.csv"
    sidecar.write_text(sidecar.read_text() + "aa.png,general,x,y,CC0-1.0,../truths/rocket.png\n")
    build(request(workspace / "photos", workspace / "ws"))
    found = rows(workspace, "SELECT id, pixel_hash FROM lq ORDER BY id")
    assert found[: len(lqs)] == lqs
    assert read_status(workspace / "ws").num_photos == 7


def test_the_same_photos_and_seed_give_the_same_workspace(built, tmp_path):
    build(request(built / "photos", tmp_path / "again"))
    query = (
        "SELECT lq.pixel_hash, attempt.number, attempt.call, attempt.pixel_hash, attempt.assessment "
        "FROM attempt JOIN lane ON lane.id = attempt.lane JOIN lq ON lq.id = lane.lq ORDER BY 1, 2"
    )
    again = sqlite3.connect(tmp_path / "again" / "ledger.sqlite")
    assert again.execute(query).fetchall() == rows(built, query)
    again.close()


def test_a_changed_bound_asks_first_then_assesses_again_without_a_new_send(workspace):
    sends = rows(workspace, "SELECT id, state FROM send ORDER BY id")
    quality = small_recipe().quality
    align = quality.align.model_copy(update={"max_shift_px": 1e-6})
    changed = small_recipe().model_copy(
        update={"quality": quality.model_copy(update={"align": align})}
    )
    with pytest.raises(ReopenError, match=r"\[quality\] changed.*--reopen"):
        build(request(workspace / "photos", workspace / "ws", changed))
    build(request(workspace / "photos", workspace / "ws", changed, reopen=True))
    first_attempts = rows(workspace, "SELECT id, state FROM send ORDER BY id")
    assert set(sends) <= set(first_attempts)
    assert rows(workspace, "SELECT count(*) FROM attempt WHERE revision = 1")[0][0] >= 4


def test_a_changed_ingest_needs_another_workspace(workspace):
    changed = small_recipe().model_copy(
        update={"ingest": small_recipe().ingest.model_copy(update={"side": 320})}
    )
    with pytest.raises(UsageError, match="another --out"):
        build(request(workspace / "photos", workspace / "ws", changed))


def test_a_second_build_on_one_workspace_says_who_holds_it(workspace):
    with hold(workspace / "ws"):
        with pytest.raises(WorkspaceHeldError, match=r"process \d+ on .* since"):
            build(request(workspace / "photos", workspace / "ws"))
        assert read_status(workspace / "ws").being_built
    assert not read_status(workspace / "ws").being_built


def test_a_rehearsal_without_truth_fails_its_photos_with_a_remedy(tmp_path):
    photos = write_photos(tmp_path, ("coffee",))
    (photos / "photos.csv").unlink()
    build(request(photos, tmp_path / "ws"))
    ((_, why),) = read_status(tmp_path / "ws").failures
    assert "ggt degrade" in why


def test_a_failure_is_told_after_its_lane_was_closed_and_again_when_it_is_back(tmp_path):
    photos = write_photos(tmp_path, ("coffee",))
    (photos / "photos.csv").unlink()
    build(request(photos, tmp_path / "ws"))
    build(request(photos, tmp_path / "ws", small_recipe("classical")))
    status = read_status(tmp_path / "ws")
    assert (status.failures, exit_code(status, None)) == ((), 0)
    ((path, why),) = status.closed_failures
    assert path == "coffee.png"
    assert "ggt degrade" in why
    build(request(photos, tmp_path / "ws"))
    status = read_status(tmp_path / "ws")
    assert (status.failures, status.closed_failures) == (((path, why),), ())
    assert status.fates["failed", why] == 1


def test_an_empty_folder_is_a_usage_error(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(UsageError, match="no photo"):
        build(request(tmp_path / "photos", tmp_path / "ws"))


def decide(workspace, candidate, choice, **fields):
    decisions = Decisions(workspace / "ws" / "decisions.sqlite")
    decision = Decision(
        lq=candidate[0],
        candidate=candidate[1],
        choice=choice,
        reviewer="ann",
        at="2026-01-01T00:00:00Z",
        **fields,
    )
    decisions.add([decision])
    decisions.close()


def passed(workspace):
    return rows(
        workspace,
        "SELECT lq.pixel_hash, attempt.pixel_hash, lane.id FROM attempt JOIN lane ON lane.id = "
        "attempt.lane JOIN lq ON lq.id = lane.lq WHERE attempt.outcome = 'passed' ORDER BY 1",
    )[0]


def test_a_person_who_rejects_takes_a_pair_away_at_once(workspace):
    lq, candidate, _ = passed(workspace)
    decide(workspace, (lq, candidate), "reject")
    with open_readonly(workspace / "ws") as reading:
        assert lq[:16] not in {pair.id for pair in pairs(reading)}
        assert lq[:16] in {record.id for record in rejected(reading)}
        assert "rejected by a person" in {fate.reason for fate in fates(reading)}


def test_a_person_who_accepts_makes_a_pair_reviewed_at_once(workspace):
    lq, candidate, _ = passed(workspace)
    decide(workspace, (lq, candidate), "accept")
    with open_readonly(workspace / "ws") as reading:
        (pair,) = [pair for pair in pairs(reading) if pair.id == lq[:16]]
    assert (pair.assurance, pair.reviewer) == ("reviewed", "ann")


def test_regenerate_gives_one_extra_attempt_with_the_persons_reasons(workspace):
    lq, candidate, lane = passed(workspace)
    before = rows(workspace, f"SELECT count(*) FROM attempt WHERE lane = {lane}")[0][0]
    decide(workspace, (lq, candidate), "regenerate", reasons=("cast",), note="too green")
    build(request(workspace / "photos", workspace / "ws"))
    prompts = rows(workspace, f"SELECT prompt FROM attempt WHERE lane = {lane} ORDER BY number")
    assert len(prompts) == before + 1
    assert "too green" in json.loads(prompts[-1][0])["defects"][0]["detail"]
    build(request(workspace / "photos", workspace / "ws"))
    assert rows(workspace, f"SELECT count(*) FROM attempt WHERE lane = {lane}")[0][0] == before + 1


def rejected_lane(workspace):
    """Build under a bound that nothing passes; returns (lq, candidates, lane) of a lane, and the recipe."""
    quality = small_recipe().quality
    screen = quality.screen.model_copy(update={"min_change": 255.0})
    recipe = small_recipe().model_copy(
        update={"quality": quality.model_copy(update={"screen": screen})}
    )
    build(request(workspace / "photos", workspace / "ws", recipe, reopen=True))
    found = rows(
        workspace,
        "SELECT lq.pixel_hash, attempt.pixel_hash, lane.id FROM attempt JOIN lane ON lane.id = "
        "attempt.lane JOIN lq ON lq.id = lane.lq WHERE attempt.revision = lane.revision AND "
        "lane.state = 'rejected' AND lane.id = (SELECT min(id) FROM lane WHERE state = 'rejected') "
        "ORDER BY attempt.number",
    )
    return found[0][0], [candidate for _, candidate, _ in found], found[0][2], recipe


def test_what_a_person_says_of_an_earlier_candidate_reaches_the_extra_attempt(workspace):
    lq, candidates, lane, recipe = rejected_lane(workspace)
    assert len(candidates) == 3
    region = Box(8, 16, 32, 24)
    spoken = {"reasons": ("cast",), "note": "too green", "region": region}
    decide(workspace, (lq, candidates[0]), "regenerate", **spoken)
    build(request(workspace / "photos", workspace / "ws", recipe))
    ((prompt,),) = rows(
        workspace,
        f"SELECT prompt FROM attempt WHERE lane = {lane} AND number = 4",
    )
    first = json.loads(prompt)["defects"][0]
    assert (first["kind"], first["detail"]) == ("cast", "too green")
    assert Box(**first["box"]) == region


def test_a_note_or_a_region_without_a_reason_reaches_the_extra_attempt_too(workspace):
    lq, candidate, lane = passed(workspace)
    region = Box(8, 16, 32, 24)
    decide(workspace, (lq, candidate), "regenerate", note="look at the roof", region=region)
    build(request(workspace / "photos", workspace / "ws"))
    prompts = rows(workspace, f"SELECT prompt FROM attempt WHERE lane = {lane} ORDER BY number")
    first = json.loads(prompts[-1][0])["defects"][0]
    assert (first["detail"], Box(**first["box"])) == ("look at the roof", region)


def test_with_reviewed_assurance_every_pair_waits_for_people(workspace):
    recipe = small_recipe()
    release = recipe.release.model_copy(update={"assurance": "reviewed"})
    build(
        request(
            workspace / "photos",
            workspace / "ws",
            recipe.model_copy(update={"release": release}),
        )
    )
    with open_readonly(workspace / "ws") as reading:
        assert list(pairs(reading)) == []
        waiting = list(for_people(reading))
    assert len(waiting) >= 1
    lines = export_waiting(workspace / "ws").splitlines()
    filled = [json.loads(line) | {"choice": "accept", "reviewer": "bo"} for line in lines]
    file = workspace / "filled.jsonl"
    file.write_text("\n".join(json.dumps(line) for line in filled))
    assert import_decisions(workspace / "ws", file) == len(waiting)
    with open_readonly(workspace / "ws") as reading:
        assert {pair.assurance for pair in pairs(reading)} == {"reviewed"}
        assert len(list(pairs(reading))) == len(waiting)
    assert export_decisions(workspace / "ws").count("\n") == len(waiting)


def test_a_decision_about_unknown_pixels_is_refused(workspace):
    file = workspace / "bad.jsonl"
    file.write_text(
        '{"lq": "00", "candidate": "11", "choice": "accept", "reviewer": "bo", "at": ""}\n'
    )
    with pytest.raises(UsageError, match="pixels seen only"):
        import_decisions(workspace / "ws", file)
    file.write_text('{"lq": "00", "candidat": "11", "choice": "accept", "reviewer": "bo"}\n')
    with pytest.raises(UsageError, match="line 1: candidat"):
        import_decisions(workspace / "ws", file)


def test_another_folder_of_photos_is_refused(workspace, tmp_path):
    other = write_photos(tmp_path / "other", ("coffee",))
    with pytest.raises(UsageError, match="another folder"):
        build(request(other, workspace / "ws"))
