"""What is said: descriptions and judgements of the shapes that ggt asks for, from measurements."""

import base64

import pytest

from ggt import plugins
from ggt.answers import Description, Judgement, MustKeep, Region
from ggt.images import encode_png, read_image
from ggt.judges import AskingJudge, JudgeTask
from ggt.prompts import PromptTask
from ggt.prompts.adaptive import question
from ggt.simulator.texts import PLAIN, say
from ggt.simulator.wire import Asked, BadRequestError, keep_picture
from ggt.stages.restore import plant_fault
from ggt.types import ASPECTS, Box, Defect, Measurements
from rehearsal import write_photos

MEASURED = Measurements(256, 256, 5.0, 1.0, 0.1, 0.5, 0.2, 0.5, 0.3)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    photos = write_photos(tmp_path_factory.mktemp("rehearsal"), ("astronaut", "coffee"))
    return tuple(
        read_image(folder / "astronaut.png").image for folder in (photos, photos.parent / "truths")
    )


def ask(folder, *content, properties=frozenset()):
    parts = tuple(
        part if isinstance(part, str) else keep_picture(encode_png(part), folder / f"{number}.png")
        for number, part in enumerate(content)
    )
    return Asked(wire="openai", model="m", kind="text", content=parts, properties=properties)


def judgement(folder, lq, candidate, *more):
    content = ("Image A", lq, "Image B", candidate, *more)
    request = ask(folder, *content, properties=frozenset(Judgement.model_fields))
    return Judgement.model_validate_json(say(request))


def levels(judged):
    return {aspect: getattr(judged, aspect).level for aspect in ASPECTS}


def test_a_description_names_the_degradation_and_hears_earlier_defects(tmp_path, pair):
    defects = (Defect("colour_consistency", "hue", 0.8, "hue moved"),)
    text = question(PromptTask("haze", MEASURED, defects, "Remove the haze."))
    request = ask(tmp_path, text, pair[0], properties=frozenset(Description.model_fields))
    described = Description.model_validate_json(say(request))
    assert "haze" in described.degradations[0]
    assert described.faces
    assert "turned down: hue." in described.prompt


def test_a_category_that_nobody_states_is_measured(tmp_path, pair):
    dark = pair[0] // 8
    request = ask(tmp_path, "Describe.", dark, properties=frozenset(Description.model_fields))
    assert "missing light" in Description.model_validate_json(say(request)).degradations[0]


def test_a_judge_passes_the_truth_and_says_why(tmp_path, pair):
    judged = judgement(tmp_path, *pair)
    assert min(level for level in levels(judged).values() if level) >= 3
    assert all(getattr(judged, aspect).reason for aspect in ASPECTS)


@pytest.mark.parametrize(
    ("fault", "aspect"),
    [
        ("oversmoothing", "restoration_quality"),
        ("object_removed", "object_consistency"),
        ("shift", "geometry_alignment"),
        ("grid", "content_reasonableness"),
        ("hue", "colour_consistency"),
    ],
)
def test_a_judge_finds_gross_faults_in_their_aspect(tmp_path, pair, fault, aspect):
    lq, truth = pair
    spoilt = plant_fault(fault, lq=lq, hq=truth, other=truth, strength=1.0, seed=3)
    judged = judgement(tmp_path, lq, spoilt)
    assert 1 <= levels(judged)[aspect] <= 2
    assert getattr(judged, aspect).defects
    # A gate before the judge looks at nothing else; whoever is asked does.
    assert all(levels(judged).values())


def test_a_judge_finds_that_nothing_was_restored(tmp_path, pair):
    lq, _ = pair
    assert levels(judgement(tmp_path, lq, lq))["restoration_quality"] in (1, 2)


def test_crops_beside_the_full_pictures_do_not_confuse_a_judge(tmp_path, pair):
    lq, truth = pair
    plain = judgement(tmp_path, lq, truth)
    assert judgement(tmp_path, lq, truth, "crops", lq[:64, :64], truth[:64, :64]) == plain


def test_a_judge_is_asked_as_ggt_asks_and_answers_for_every_item(tmp_path, pair):
    lq, truth = pair
    place = Region(left=400, top=300, right=600, bottom=500)
    items = tuple(MustKeep(what=what, where=place) for what in ("a face", "a badge"))
    asking = plugins.load("judges", "vlm", AskingJudge)
    content = asking.content(JudgeTask(lq, truth, "general", items))
    request = ask(tmp_path, *content, properties=frozenset(Judgement.model_fields))
    judged = Judgement.model_validate_json(say(request))
    assert [(item.what, item.kept) for item in judged.kept] == [
        ("1. a face", "yes"),
        ("2. a badge", "yes"),
    ]
    plain = judgement(tmp_path, lq, truth)
    assert levels(judged) == levels(plain)
    opinion = asking.opinion((judged,), Box(0, 0, 256, 256), 3)
    assert min(aspect.level for aspect in opinion.aspects if aspect.level) >= 3


def test_another_shape_is_answered_in_words(tmp_path):
    assert say(ask(tmp_path, "Hello?", properties=frozenset({"colour"}))) == PLAIN


def test_a_judgement_needs_two_pictures(tmp_path, pair):
    with pytest.raises(BadRequestError, match="needs 2 pictures"):
        say(ask(tmp_path, pair[0], properties=frozenset(Judgement.model_fields)))


def test_the_schemas_are_known_on_both_wires(server, gemini, openai, png):
    from google.genai import types

    schema = Description.model_json_schema()
    config = types.GenerateContentConfig(
        response_mime_type="application/json", response_json_schema=schema
    )
    part = types.Part.from_bytes(data=png, mime_type="image/png")
    answered = gemini.models.generate_content(
        model="gemini-3.1-pro-preview", contents=[part, "Describe."], config=config
    )
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    chat = openai.chat.completions.create(
        model="gpt-6.1-sol",
        messages=[
            {
                "role": "user",
                "content": [
                    {"type": "image_url", "image_url": {"url": url}},
                    {"type": "text", "text": "Describe."},
                ],
            }
        ],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": True},
        },
    )
    first = Description.model_validate_json(answered.text)
    assert first == Description.model_validate_json(chat.choices[0].message.content)


def test_garbage_and_cut_answers_cannot_be_read(server, openai, png):
    from pydantic import ValidationError

    schema = {"name": "answer", "schema": Description.model_json_schema()}
    url = f"data:image/png;base64,{base64.b64encode(png).decode()}"
    for fault, reason in (("bad_json", "stop"), ("truncated_json", "length")):
        server.behave(f"[faults]\n{fault} = 1.0")
        choice = openai.chat.completions.create(
            model="gpt-6.1-sol",
            messages=[
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": url}}],
                }
            ],
            response_format={"type": "json_schema", "json_schema": schema},
        ).choices[0]
        assert choice.finish_reason == reason
        with pytest.raises(ValidationError):
            Description.model_validate_json(choice.message.content)
