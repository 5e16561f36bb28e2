"""What is drawn: the truth with faults at stated rates, a restorer's result, or an echo; always labelled."""

import asyncio
import shutil
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from starlette.datastructures import Headers

from ggt import plugins
from ggt.errors import UsageError
from ggt.images import decode_image, encode_png, pixel_hash, read_image
from ggt.prompts._wording import CORRECTIONS, INSTRUCTIONS
from ggt.restorers.simulated import FAULT_RATES
from ggt.settings.ingest import IngestSettings
from ggt.simulator import gemini_wire
from ggt.simulator.behaviour import Behaviour
from ggt.simulator.bill import Bill
from ggt.simulator.desk import Desk, Setup
from ggt.simulator.pictures import Studio, draw
from ggt.simulator.reading import defects_in
from ggt.simulator.truths import find_truths
from ggt.simulator.wire import Asked, BadRequestError, keep_picture
from ggt.types import Defect, Measurements
from ggt.vlms import LocalVlm, Sight
from rehearsal import SIDE, write_photos
from simulator_samples import sample

NAMES = ("astronaut", "coffee")


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("rehearsal"), NAMES)


@pytest.fixture(scope="module")
def truths(photos, tmp_path_factory):
    return find_truths(photos, IngestSettings(side=SIDE), blobs=tmp_path_factory.mktemp("blobs"))


@pytest.fixture
def asked(photos, tmp_path):
    return ask(photos / "astronaut.png", tmp_path)


def ask(path, folder, prompt="Remove the noise."):
    picture = keep_picture(path.read_bytes(), folder / path.name)
    return Asked(wire="gemini", model="m", kind="image", content=(picture, prompt))


def rehearsal(truths, seed=0, **planted):
    return Studio(Behaviour(restorer="simulated", planted=planted), truths, seed)


def pixels(drawn):
    return decode_image(drawn.body).image


def error(image, truth):
    return float(np.abs(image.astype(int) - truth.astype(int)).mean())


def test_lqs_are_found_by_their_pixels_as_a_build_derives_them(photos, truths):
    # The canaries that a build asks about in between are known as well.
    assert len(truths.records) > len(NAMES)
    for name in NAMES:
        lq = read_image(photos / f"{name}.png").image
        truth = truths.truth(pixel_hash(lq))
        assert (truth == read_image(photos.parent / "truths" / f"{name}.png").image).all()
        assert not (truths.other(pixel_hash(lq)) == lq).all()


def test_a_folder_without_truths_is_refused(photos, tmp_path):
    (tmp_path / "a.png").write_bytes((photos / "astronaut.png").read_bytes())
    with pytest.raises(UsageError, match="ggt degrade"):
        find_truths(tmp_path, IngestSettings(side=SIDE), blobs=tmp_path / "blobs")


def test_faithful_answers_are_close_to_the_truth_and_labelled(asked, truths):
    truth = truths.truth(asked.pictures[0].pixel_hash)
    drawn = draw(asked, rehearsal(truths, hue=0.0), fault=None)
    assert error(pixels(drawn), truth) < 10
    assert b"not-ground-truth" in drawn.body
    assert b"the simulated provider: simulated-1" in drawn.body


def test_stated_faults_are_planted(asked, truths):
    truth = truths.truth(asked.pictures[0].pixel_hash)
    drawn = draw(asked, rehearsal(truths, mirror=1.0), fault=None)
    assert (pixels(drawn) == truth[:, ::-1]).all()


def test_corrective_prompts_lower_the_rate(photos, truths, tmp_path):
    counts = Counter()
    for number in range(40):
        for kind, sentence in (("first", ""), ("corrective", CORRECTIONS["mirror"])):
            request = ask(
                photos / "coffee.png", tmp_path, f"Remove the haze, way {number}. {sentence}"
            )
            truth = truths.truth(request.pictures[0].pixel_hash)
            drawn = pixels(draw(request, rehearsal(truths, mirror=1.0), fault=None))
            counts[kind] += bool((drawn == truth[:, ::-1]).all())
    assert counts["first"] == 40
    # Forty in a hundred, four standard deviations wide.
    assert abs(counts["corrective"] - 16) <= 4 * (40 * 0.4 * 0.6) ** 0.5


def test_usual_rates_are_those_of_the_rehearsal(photos, truths, tmp_path):
    faulty = 0
    for number in range(40):
        request = ask(photos / "astronaut.png", tmp_path, f"Way {number}.")
        truth = truths.truth(request.pictures[0].pixel_hash)
        first = pixels(draw(request, rehearsal(truths), fault=None))
        nothing_planted = pixels(draw(request, rehearsal(truths, hue=0.0), fault=None))
        faulty += error(first, truth) > 1 and not (first == nothing_planted).all()
    rate = sum(FAULT_RATES.values())
    assert abs(faulty - 40 * rate) <= 4 * (40 * rate * (1 - rate)) ** 0.5


def test_the_same_question_has_the_same_bytes_and_another_seed_others(asked, truths):
    rates = dict.fromkeys(("hue", "shift", "object_removed"), 0.9 / 3)
    first = draw(asked, rehearsal(truths, 0, **rates), fault=None)
    assert draw(asked, rehearsal(truths, 0, **rates), fault=None) == first
    others = [draw(asked, rehearsal(truths, seed, **rates), fault=None) for seed in range(1, 4)]
    assert any(other.body != first.body for other in others)


def test_a_picture_without_a_known_truth_is_refused(truths, tmp_path):
    path = tmp_path / "unknown.png"
    path.write_bytes(encode_png(sample(64)))
    with pytest.raises(BadRequestError, match="no truth of this picture"):
        draw(ask(path, tmp_path), rehearsal(truths), fault=None)


def test_a_question_without_a_picture_is_refused():
    request = Asked(wire="gemini", model="m", kind="image", content=("Draw a cat.",))
    with pytest.raises(BadRequestError, match="edits a picture"):
        draw(request, Studio(Behaviour(restorer="echo"), None, 0), fault=None)


def test_a_restorer_does_what_the_prompt_says(photos, tmp_path):
    """The classical engine follows the category that a prompt names, in the words of ggt's own strategies."""
    studio = Studio(Behaviour(restorer="classical"), None, 0)
    results = {}
    for category in ("haze", "lowlight"):
        request = ask(photos / "astronaut.png", tmp_path, INSTRUCTIONS[category])
        results[category] = draw(request, studio, fault=None)
        assert b"the simulated provider: classical" in results[category].body
    assert error(pixels(results["haze"]), pixels(results["lowlight"])) > 2


def test_a_restorer_hears_corrections(photos, tmp_path):
    studio = Studio(Behaviour(restorer="classical"), None, 0)
    told = f"{INSTRUCTIONS['general']} {CORRECTIONS['unchanged']}"
    first, second = (
        pixels(draw(ask(photos / "astronaut.png", tmp_path, prompt), studio, fault=None))
        for prompt in (INSTRUCTIONS["general"], told)
    )
    assert not (first == second).all()


def test_instructions_of_the_measuring_vlm_are_read_as_corrections():
    measured = Measurements(64, 64, 5.0, 1.0, 0.1, 0.5, 0.2, 0.5, 0.3)
    defects = tuple(
        Defect("restoration_quality", kind, 0.8, "seen") for kind in ("hue", "object_removed")
    )
    sight = Sight(sample(64), "general", measured, defects)
    written = plugins.load("vlms", "measured", LocalVlm).describe(sight).prompt
    assert [defect.kind for defect in defects_in(written)] == ["hue", "object_removed"]
    unwarned = plugins.load("vlms", "measured", LocalVlm).describe(replace(sight, defects=()))
    assert defects_in(unwarned.prompt) == ()


def test_instructions_of_the_fixed_strategies_are_no_corrections():
    assert [defects_in(text) for text in INSTRUCTIONS.values()] == [()] * len(INSTRUCTIONS)


def test_a_restorer_that_fails_is_a_free_server_error(photos, tmp_path, caplog):
    """Its truth is lost while the server runs."""
    truths = find_truths(photos, IngestSettings(side=SIDE), blobs=tmp_path / "blobs")
    shutil.rmtree(tmp_path / "blobs")
    request = ask(photos / "coffee.png", tmp_path)

    async def answer():
        setup = Setup(Behaviour(restorer="simulated"), truths=truths)
        desk = Desk(setup, Bill(tmp_path / "bill.jsonl"), tmp_path)
        try:
            headers = Headers({"x-goog-api-key": "simulated"})
            return await desk.answer(desk.arrive(gemini_wire.WIRE, headers), request)
        finally:
            desk.close()
            desk.bill.close()

    outcome = asyncio.run(answer())
    assert (outcome.reply.status, outcome.fault, outcome.usage) == (500, "server_error", None)
    assert "request 1" in caplog.text
