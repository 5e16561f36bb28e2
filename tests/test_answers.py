"""Schemas say what every wire takes, and a vlm's text is an answer or one line of why not."""

import contextlib
import json
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt.answers import (
    MAX_ANSWER_CHARS,
    Description,
    Judgement,
    MustKeep,
    Region,
    read_answer,
    schema_of,
)
from vlm_answers import aspect, description, judgement, region, seen

ANSWERS = (Description, Judgement)
PLAIN = '{"left": 1, "top": 2, "right": 3, "bottom": 4}'
GOOD = (
    description("Remove the haze. Keep the rest.", "a face", "a sign"),
    judgement(("1 a face", "yes"), geometry_alignment=aspect(2, 0.5, seen("shift"))),
)


def parts(schema: object) -> Iterator[dict[str, object]]:
    """Every schema within a schema, itself included."""
    if isinstance(schema, dict):
        yield schema
        for keyword in ("properties", "$defs"):
            for part in schema.get(keyword, {}).values():
                yield from parts(part)
        yield from parts(schema.get("items"))
        for part in schema.get("anyOf", []):
            yield from parts(part)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_schema_has_only_words_that_every_wire_takes(answer):
    schema = schema_of(answer)
    words = {word for part in parts(schema) for word in part}
    assert words <= {
        *("$defs", "$ref", "type", "enum", "anyOf", "items"),
        *("properties", "required", "additionalProperties"),
    }
    assert schema["type"] == "object"


@pytest.mark.parametrize("answer", ANSWERS)
def test_every_object_requires_all_its_fields_in_order_and_allows_no_other(answer):
    schema = schema_of(answer)
    objects = [part for part in parts(schema) if part.get("type") == "object"]
    assert len(objects) == 1 + len(schema["$defs"])
    for part in objects:
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False
    assert schema["required"] == list(answer.model_fields)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_reference_stands_alone_and_leads_somewhere(answer):
    schema = schema_of(answer)
    references = [part for part in parts(schema) if "$ref" in part]
    assert references
    for part in references:
        assert list(part) == ["$ref"]
        assert part["$ref"].removeprefix("#/$defs/") in schema["$defs"]


def test_a_place_may_be_null_and_a_severity_is_one_of_three_words():
    defect = schema_of(Judgement)["$defs"]["SeenDefect"]["properties"]
    assert defect["where"] == {"anyOf": [{"$ref": "#/$defs/Region"}, {"type": "null"}]}
    assert defect["severity"] == {"type": "string", "enum": ["slight", "clear", "gross"]}


@pytest.mark.parametrize("answer", GOOD)
def test_what_was_written_as_json_is_read_back(answer):
    assert read_answer(type(answer), answer.model_dump_json()) == answer
    assert read_answer(type(answer), f"\n {answer.model_dump_json(indent=2)}\n") == answer


@pytest.mark.parametrize("fence", ["```json\n{}\n```", "```\n{}\n```", " ```JSON \r\n{}\r\n```\n"])
def test_a_fence_around_the_whole_answer_is_taken_off(fence: str):
    assert read_answer(Region, fence.replace("{}", PLAIN)) == region(1, 2, 3, 4)


@pytest.mark.parametrize(
    "text",
    [
        f"Here it is: {PLAIN}",
        f"{PLAIN} I hope this helps.",
        f"Sure!\n```json\n{PLAIN}\n```",
        f"```json\n{PLAIN}",
        f"{PLAIN}{PLAIN}",
        f"[{PLAIN}]",
        PLAIN.replace("}", ', "depth": 5}'),
        PLAIN.replace("}", ', "a\\nb": 5}'),
        PLAIN.replace(', "bottom": 4', ""),
        PLAIN.replace("4", "1001"),
        PLAIN.replace("4", "-1"),
        PLAIN.replace("4", "true"),
        PLAIN.replace("4", '"4"'),
        PLAIN.replace("4", "NaN"),
        PLAIN.replace("4", "4.5"),
        PLAIN[:20],
        "",
        "null",
        "[" * 50_000,
        "\ud800",
        "I cannot help with that.",
    ],
)
def test_anything_else_is_one_line_of_why_not(text: str):
    with pytest.raises(ValueError, match=r".") as caught:
        read_answer(Region, text)
    assert type(caught.value) is ValueError
    message = str(caught.value)
    assert len(message) <= 200
    assert message.splitlines() == [message]


def test_a_text_beyond_all_bounds_is_not_looked_at():
    with pytest.raises(ValueError, match="100001 characters"):
        read_answer(Region, PLAIN + " " * (MAX_ANSWER_CHARS + 1 - len(PLAIN)))


def test_the_longest_possible_answers_are_read():
    defect = seen("x" * 40, "clear", region(1000, 1000, 1000, 1000), "ß" * 200)
    longest = judgement(
        *[("w" * 200, "cannot_tell")] * 12,
        **dict.fromkeys(
            Judgement.model_fields.keys() - {"kept"},
            aspect(5, 0.123456789, *[defect] * 8, reason="ß" * 1600),
        ),
    )
    assert len(longest.model_dump_json()) < MAX_ANSWER_CHARS / 2
    assert read_answer(Judgement, longest.model_dump_json()) == longest


def test_blank_words_are_no_answer():
    with pytest.raises(ValueError, match=r"^what: "):
        read_answer(MustKeep, f'{{"what": "  ", "where": {PLAIN}}}')


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)
near_misses = st.builds(
    lambda answer, field, value: json.dumps(answer.model_dump() | {field: value}),
    st.sampled_from(GOOD),
    st.sampled_from([*Description.model_fields, *Judgement.model_fields]),
    json_values,
)
cut_off = st.builds(
    lambda answer, end: answer.model_dump_json()[:end], st.sampled_from(GOOD), st.integers(0, 3000)
)
any_text = st.text() | st.text(st.characters(codec=None)) | json_values.map(json.dumps)


@given(st.sampled_from(ANSWERS), any_text | near_misses | cut_off)
def test_reading_any_text_gives_an_answer_or_a_value_error(answer, text: str):
    with contextlib.suppress(ValueError):
        read = read_answer(answer, text)
        assert read_answer(answer, read.model_dump_json()) == read
