"""What both wires share: a question as it was asked, a reply as it leaves, and what a wire must be able to say."""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from starlette.datastructures import Headers

from ggt.errors import GgtError, ImageReadError
from ggt.images import decode_image, pixel_hash
from ggt.models import Model, Usage, models

WireName = Literal["gemini", "openai"]
Kind = Literal["image", "text"]
Scalar = str | int | float | bool

VERSION_PREFIX = "simulated-"
"""The version that comes back starts with this, on every wire."""
TEXT_TOKENS_PER_CHARACTER = 0.25
PICTURE_TOKENS = 1120
"""What a picture sent counts, whatever its size; ours."""
THOUGHT_TOKENS = 40
"""What every answer, and every refusal of an output, counts as thoughts; ours."""
CREATED = 1_767_225_600
"""The first second of 2026: answers are the same at any time."""


class BadRequestError(GgtError):
    """A request that the vendor would refuse as malformed; `parameter` is the field at fault."""

    def __init__(self, message: str, *, parameter: str | None = None) -> None:
        super().__init__(message)
        self.parameter = parameter


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was sent, in a file until the request is answered."""

    path: Path
    pixel_hash: str
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: texts and pictures in their order, and what the answer must be."""

    wire: WireName
    model: str
    kind: Kind
    content: tuple[str | Picture, ...]
    parameters: Mapping[str, Scalar] = field(default_factory=dict[str, Scalar])
    """Those that a price or the answer may hang on, names as on the wire."""
    properties: frozenset[str] = frozenset()
    """Names at the top of the JSON schema that the answer must have; empty without one."""
    size: tuple[int, int] | None = None
    """Width and height that the answer must have; None is that of the first picture."""

    @property
    def prompt(self) -> str:
        """All texts in their order."""
        return "\n".join(part for part in self.content if isinstance(part, str))

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """All pictures in their order."""
        return tuple(part for part in self.content if isinstance(part, Picture))

    def identity(self) -> str:
        """Say what makes two requests the same one: model, pixels, texts, and a seed that was stated."""
        parts = [part if isinstance(part, str) else [part.pixel_hash] for part in self.content]
        value = [self.model, self.kind, parts, self.parameters.get("seed")]
        return hashlib.sha256(json.dumps(value).encode()).hexdigest()

    def input_tokens(self) -> int:
        """Count what was sent, in the simulator's own way."""
        return text_tokens(self.prompt) + PICTURE_TOKENS * len(self.pictures)


@dataclass(frozen=True, slots=True)
class Made:
    """An output: a picture's bytes, or a text in UTF-8; `cut` when the wire must say that it ended too early."""

    body: bytes
    mime_type: str
    usage: Usage
    version: str
    reply_id: str
    prompt_tokens: int
    """The texts' part of the usage's input tokens."""
    size: tuple[int, int] = (0, 0)
    remark: str = ""
    """A text that stands before the picture, on wires that can."""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What goes over the wire."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error in the vendor's own words: `name` is a fault, or bad_request, key_invalid, key_missing."""

    name: str
    model: str = ""
    delay_s: float = 0.0
    message: str = ""
    parameter: str | None = None


@dataclass(frozen=True, slots=True)
class Wire:
    """One vendor's wire."""

    name: WireName
    key: Callable[[Headers], str | None]
    answer: Callable[[Asked, Made], HttpReply]
    refusal: Callable[[Asked, str, Made], HttpReply]
    """`refusal(asked, fault, made)`: no output, the usage and names of `made`."""
    error: Callable[[Trouble], HttpReply]
    image_tokens: Callable[[Asked], int]
    """What the picture that comes back counts."""
    thought_tokens: Callable[[Asked], int]
    """What the answer counts beside picture and text."""
    has_remarks: bool
    """Whether a text may stand before a picture."""


def json_reply(
    value: Mapping[str, object], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpReply:
    """Write a JSON reply."""
    return HttpReply(status, json.dumps(value).encode(), headers or {})


def text_tokens(text: str) -> int:
    """Count a text's tokens, in the simulator's own way."""
    return math.ceil(len(text) * TEXT_TOKENS_PER_CHARACTER)


def decode_base64(data: str) -> bytes:
    """Decode either alphabet: google-genai sends the one of URLs.

    Raises:
        BadRequestError: not base64.
    """
    try:
        return base64.b64decode(data.translate({ord("-"): "+", ord("_"): "/"}), validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError("a picture is not valid base64") from None


def keep_picture(data: bytes, path: Path) -> Picture:
    """Put a picture that was sent into a file, so that memory does not hold it while the request waits.

    Raises:
        BadRequestError: no picture.
    """
    try:
        image = decode_image(data, name="the picture sent").image
    except ImageReadError as error:
        raise BadRequestError(f"Unable to process input image: {error}") from None
    path.write_bytes(data)
    return Picture(path, pixel_hash(image), image.shape[1], image.shape[0])


def property_names(schema: object) -> frozenset[str]:
    """List the names at the top of a JSON schema; none where it is no object's."""
    properties = schema.get("properties") if isinstance(schema, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - JSON
    return frozenset(map(str, properties)) if isinstance(properties, dict) else frozenset()  # pyright: ignore[reportUnknownArgumentType] - JSON


def row_of(model: str, parameters: Mapping[str, Scalar]) -> Model | None:
    """Find the row that the wire calls `model`, among several the first whose parameters were sent."""
    rows = [row for row in models().values() if row.id == model]
    fitting = [row for row in rows if fits(row, parameters)]
    return next(iter((*fitting, *rows)), None)


def fits(row: Model, parameters: Mapping[str, Scalar]) -> bool:
    """Say whether a row's parameters were sent; a form sends everything as text."""
    return all(
        str(parameters.get(name)).lower() == str(value).lower()
        for name, value in row.parameters.items()
    )
