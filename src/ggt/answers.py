"""What a vlm answers: bounded values of a fixed shape, whatever the model made of the schema.

Fields stand in the order in which they are asked: reasons come before levels, since a level that is written first is
defended afterwards. Texts ask for fewer and shorter values than are read here: an answer that is a little too long was
paid for and is as good.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeVar, cast, get_args

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

Flag = Literal["faces", "text", "people", "nsfw"]
"""What a photo may show that its owner wants handled with care."""
FLAGS: tuple[Flag, ...] = get_args(Flag)

MAX_ANSWER_CHARS = 100_000
"""A longer text is not looked at; the longest possible answer has less than half of it."""
# Only what OpenAI's strict mode and Gemini's response_json_schema both take, by their documentation of 2026; bounds of
# length and number are left out as well, since Gemini refuses schemas for them (googleapis/python-genai#2170).
_TAKEN_EVERYWHERE = ("$ref", "type", "enum", "anyOf", "items")
_FENCED = re.compile(r"```(?:json)?[ \t]*\r?\n(.*)\n[ \t]*```", re.DOTALL | re.IGNORECASE)
_REASON_CHARS = 200

_Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Thousandth = Annotated[int, Field(ge=0, le=1000)]


class Answer(BaseModel):
    """A value read from a model: unknown fields are an error, so that a wrong answer is never half read."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Region(Answer):
    """A rectangle in thousandths of the picture's sides, from the upper left corner.

    One that is empty or inside out is read as well: the place is unknown then, and the rest of the answer is not.
    """

    left: _Thousandth
    top: _Thousandth
    right: _Thousandth
    bottom: _Thousandth


class MustKeep(Answer):
    """Something that a restoration must not change, and where it is."""

    what: _Short
    where: Region


class Description(Answer):
    """What a vlm sees in an lq, and the instruction that it writes for restoring it."""

    degradations: Annotated[tuple[_Short, ...], Field(max_length=12)]
    scene: Annotated[str, Field(max_length=800)]
    must_keep: Annotated[tuple[MustKeep, ...], Field(max_length=12)]
    faces: bool
    text: bool
    people: bool
    nsfw: bool
    prompt: Annotated[str, StringConstraints(strip_whitespace=True, min_length=10, max_length=2400)]

    def shows(self, flag: Flag) -> bool:
        """Say whether a flag is raised."""
        return {"faces": self.faces, "text": self.text, "people": self.people, "nsfw": self.nsfw}[
            flag
        ]


class SeenDefect(Answer):
    """One fault that a vlm sees, and where; `where` is null when it concerns the whole picture."""

    what: _Short
    kind: Annotated[str, Field(max_length=40)]
    """A name from the folder faults/ where one fits."""
    where: Region | None
    severity: Literal["slight", "clear", "gross"]


class AspectAnswer(Answer):
    """What a vlm says of one aspect; level 1 (unusable) to 5 (flawless), 0 when it cannot tell."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1600)]
    defects: Annotated[tuple[SeenDefect, ...], Field(max_length=8)]
    level: Annotated[int, Field(ge=0, le=5)]
    confidence: Annotated[float, Field(ge=0, le=1)]


class KeptAnswer(Answer):
    """Whether one must-keep item is still as it was."""

    what: _Short
    kept: Literal["yes", "changed", "gone", "cannot_tell"]


class Judgement(Answer):
    """A vlm's answer about one (lq, candidate): five aspects, and every must-keep item."""

    kept: Annotated[tuple[KeptAnswer, ...], Field(max_length=12)]
    restoration_quality: AspectAnswer
    object_consistency: AspectAnswer
    geometry_alignment: AspectAnswer
    content_reasonableness: AspectAnswer
    colour_consistency: AspectAnswer


AnswerT = TypeVar("AnswerT", bound=Answer)


def schema_of(answer: type[Answer]) -> dict[str, object]:
    """Describe an answer as JSON Schema in the words that every wire takes.

    Every property is required, in the order of the fields, and no other is allowed. Bounds are not in it: texts state
    them, and `read_answer` checks them.
    """
    whole = answer.model_json_schema()
    schema = _reduced(whole)
    if "$defs" in whole:
        parts = cast("Mapping[str, Mapping[str, object]]", whole["$defs"])
        schema["$defs"] = {name: _reduced(part) for name, part in parts.items()}
    return schema


def read_answer(kind: type[AnswerT], text: str) -> AnswerT:
    """Read a vlm's text as an answer.

    One code fence around the whole text is taken off: models without structured output write it out of habit, and
    what it holds is in no doubt. Words before or after the JSON are an error: which of the values in such a text is
    the answer would be a guess.

    Raises:
        ValueError: it is no such answer; the message is one line.
    """
    if len(text) > MAX_ANSWER_CHARS:
        raise ValueError(
            f"an answer of {len(text)} characters; at most {MAX_ANSWER_CHARS} are read"
        )
    stripped = text.strip()
    fenced = _FENCED.fullmatch(stripped)
    try:
        return kind.model_validate_json(fenced[1] if fenced else stripped, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or kind.__name__
        reason = " ".join(f"{where}: {first['msg']}".split())
        raise ValueError(reason[:_REASON_CHARS]) from None


def _reduced(schema: Mapping[str, object]) -> dict[str, object]:
    """Keep the keywords that every wire takes, here and below."""
    kept: dict[str, object] = {}
    for keyword in _TAKEN_EVERYWHERE:
        value = schema.get(keyword)
        if keyword == "items" and value is not None:
            kept[keyword] = _reduced(cast("Mapping[str, object]", value))
        elif keyword == "anyOf" and value is not None:
            kept[keyword] = [_reduced(one) for one in cast("list[Mapping[str, object]]", value)]
        elif value is not None:
            kept[keyword] = value
    if "properties" in schema:
        properties = cast("Mapping[str, Mapping[str, object]]", schema["properties"])
        kept["properties"] = {name: _reduced(value) for name, value in properties.items()}
        kept["required"] = list(properties)
        kept["additionalProperties"] = False
    return kept
