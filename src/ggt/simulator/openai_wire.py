"""OpenAI's wire: `images/edits` and `chat/completions` as the openai package speaks them.

Shapes: the types of openai-python 3; error codes as OpenAI documents them and as users report them.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import Headers

from ggt.models import models
from ggt.simulator.openai_errors import error
from ggt.simulator.wire import (
    CREATED,
    THOUGHT_TOKENS,
    Asked,
    BadRequestError,
    HttpReply,
    Made,
    Picture,
    Scalar,
    Wire,
    decode_base64,
    json_reply,
    property_names,
)

IMAGE_TOKENS: Mapping[str, int] = {
    "low": 272,
    "medium": 1056,
    "high": 4160,
    "xhigh": 6240,
    "max": 8320,
}
"""What an image that comes back counts, by quality; ours beyond `high`."""
USUAL_QUALITY = "medium"
_EDGE = 16
_DATA_URI = re.compile(r"data:image/[a-z+.-]+;base64,", re.ASCII)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a multipart request, and the files of its field `image` or `image[]`."""

    fields: Mapping[str, str]
    images: tuple[bytes, ...]


class _Url(BaseModel):
    url: str


class _Part(BaseModel):
    """Fields that the simulator does not read are ignored."""

    type: str
    text: str | None = None
    image_url: _Url | None = None


class _Message(BaseModel):
    role: str
    content: str | list[_Part]


class _Schema(BaseModel):
    schema_: dict[str, object] = Field(default_factory=dict[str, object], alias="schema")


class _Format(BaseModel):
    type: str
    json_schema: _Schema | None = None


class _Chat(BaseModel):
    model: str
    messages: list[_Message] = Field(min_length=1)
    response_format: _Format | None = None
    seed: int | None = None
    temperature: float | None = None


def read_key(headers: Headers) -> str | None:
    """Find the key."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return key if scheme.lower() == "bearer" and key else None


def take_in_edit(form: Form, keep: Callable[[bytes], Picture]) -> Asked:
    """Read a request to images/edits; its pictures are handed to `keep`.

    Raises:
        BadRequestError: not what the wire allows.
    """
    fields = form.fields
    for name in ("model", "prompt"):
        if not fields.get(name):
            raise BadRequestError(f"Missing required parameter: '{name}'.", parameter=name)
    if not form.images:
        raise BadRequestError("Missing required parameter: 'image'.", parameter="image")
    _one_of(fields, "n", ("1",))
    _one_of(fields, "output_format", ("png",))
    _one_of(fields, "quality", ("auto", *IMAGE_TOKENS))
    parameters: dict[str, Scalar] = {
        name: value for name, value in fields.items() if name not in ("model", "prompt")
    }
    return Asked(
        wire="openai",
        model=fields["model"],
        kind="image",
        content=(*(keep(image) for image in form.images), fields["prompt"]),
        parameters=parameters,
        size=_size(fields.get("size", "auto")),
    )


def take_in_chat(body: bytes, keep: Callable[[bytes], Picture]) -> Asked:
    """Read a request to chat/completions; its pictures are handed to `keep`.

    Raises:
        BadRequestError: not what the wire allows.
    """
    try:
        chat = _Chat.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequestError(f"Invalid value for '{where}'.", parameter=where) from None
    schema = chat.response_format.json_schema if chat.response_format else None
    stated: dict[str, Scalar | None] = {"seed": chat.seed, "temperature": chat.temperature}
    return Asked(
        wire="openai",
        model=chat.model,
        kind="text",
        content=_content(chat, keep),
        parameters={name: value for name, value in stated.items() if value is not None},
        properties=property_names(schema.schema_) if schema else frozenset(),
    )


def answer(asked: Asked, made: Made) -> HttpReply:
    """Write an answer: a picture of images/edits, or a message."""
    if asked.kind == "image":
        return _images([{"b64_json": base64.b64encode(made.body).decode()}], asked, made)
    message = {"role": "assistant", "content": made.body.decode(), "refusal": None}
    return _completion(message, "length" if made.cut else "stop", made)


def refusal(asked: Asked, fault: str, made: Made) -> HttpReply:
    """Write a reply without an output."""
    if asked.kind == "image":
        return _images([], asked, made)
    if fault == "content_filter":
        said = "I'm sorry, I can't assist with that."
        return _completion(
            {"role": "assistant", "content": None, "refusal": said}, "content_filter", made
        )
    return _completion({"role": "assistant", "content": "", "refusal": None}, "stop", made)


def list_models() -> HttpReply:
    """List the ids of models.toml."""
    ids = sorted({row.id for row in models().values()})
    created = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
    data = [
        {"id": name, "object": "model", "created": created, "owned_by": "simulated"} for name in ids
    ]
    return json_reply({"object": "list", "data": data})


def _content(chat: _Chat, keep: Callable[[bytes], Picture]) -> tuple[str | Picture, ...]:
    found: list[str | Picture] = []
    for message in chat.messages:
        if isinstance(message.content, str):
            found.append(message.content)
            continue
        for part in message.content:
            if part.text is not None:
                found.append(part.text)
            if part.image_url is not None:
                found.append(keep(_data(part.image_url.url)))
    return tuple(found)


def _data(url: str) -> bytes:
    prefix = _DATA_URI.match(url)
    if prefix is None:
        raise BadRequestError(
            "Invalid image URL: only base64 data URIs are taken here.", parameter="image_url"
        )
    return decode_base64(url[prefix.end() :])


def _one_of(fields: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> None:
    if name in fields and fields[name] not in allowed:
        raise BadRequestError(
            f"Invalid value: {fields[name]!r}. Supported values are: {', '.join(allowed)}.",
            parameter=name,
        )


def _size(stated: str) -> tuple[int, int] | None:
    if stated == "auto":
        return None
    found = re.fullmatch(r"([1-9][0-9]{1,3})x([1-9][0-9]{1,3})", stated)
    sides = (int(found[1]), int(found[2])) if found else (1, 1)
    if any(side % _EDGE for side in sides) or max(sides) > 3 * min(sides):
        raise BadRequestError(
            f"Invalid size {stated!r}: sides are multiples of {_EDGE}, at most 1:3.",
            parameter="size",
        )
    return sides


def _images(data: list[dict[str, str]], asked: Asked, made: Made) -> HttpReply:
    usage = made.usage
    value = {
        "created": CREATED,
        "data": data,
        "model": made.version,  # not in OpenAI's reply: every answer of the simulator says what it is
        "output_format": "png",
        "quality": asked.parameters.get("quality", USUAL_QUALITY),
        "size": f"{made.size[0]}x{made.size[1]}",
        "usage": {
            "input_tokens": usage.input_tokens,
            "input_tokens_details": {
                "image_tokens": usage.input_tokens - made.prompt_tokens,
                "text_tokens": made.prompt_tokens,
            },
            "output_tokens": usage.output_tokens + usage.image_tokens,
            "output_tokens_details": {
                "image_tokens": usage.image_tokens,
                "text_tokens": usage.output_tokens,
            },
            "total_tokens": usage.input_tokens + usage.output_tokens + usage.image_tokens,
        },
    }
    return json_reply(value, headers=_headers(made))


def _completion(message: Mapping[str, object], reason: str, made: Made) -> HttpReply:
    usage = made.usage
    value = {
        "id": f"chatcmpl-{made.reply_id}",
        "object": "chat.completion",
        "created": CREATED,
        "model": made.version,
        "choices": [{"index": 0, "message": message, "finish_reason": reason, "logprobs": None}],
        "usage": {
            "prompt_tokens": usage.input_tokens,
            "completion_tokens": usage.output_tokens,
            "total_tokens": usage.input_tokens + usage.output_tokens,
            "completion_tokens_details": {"reasoning_tokens": THOUGHT_TOKENS},
        },
    }
    return json_reply(value, headers=_headers(made))


def _headers(made: Made) -> dict[str, str]:
    return {"openai-model": made.version}


def _image_tokens(asked: Asked) -> int:
    quality = str(asked.parameters.get("quality", "auto"))
    return IMAGE_TOKENS[USUAL_QUALITY if quality == "auto" else quality]


WIRE = Wire(
    "openai",
    key=read_key,
    answer=answer,
    refusal=refusal,
    error=error,
    image_tokens=_image_tokens,
    thought_tokens=lambda asked: THOUGHT_TOKENS if asked.kind == "text" else 0,
    has_remarks=False,
)
