"""Gemini's wire: `generateContent` as google-genai speaks it.

Shapes: https://ai.google.dev/api/generate-content.
"""

import base64
from collections.abc import Callable, Mapping, Sequence

from pydantic import BaseModel, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.datastructures import Headers

from ggt.models import Usage
from ggt.simulator.gemini_errors import error
from ggt.simulator.wire import (
    THOUGHT_TOKENS,
    Asked,
    BadRequestError,
    HttpReply,
    Kind,
    Made,
    Picture,
    Scalar,
    Wire,
    decode_base64,
    json_reply,
    property_names,
    row_of,
)

ASPECT_RATIOS = frozenset(
    "1:1 2:3 3:2 3:4 4:3 4:5 5:4 9:16 16:9 21:9 1:4 4:1 1:8 8:1".split()  # noqa: SIM905  # one line reads better
)
IMAGE_TOKENS: Mapping[str, int] = {"512": 750, "1K": 1120, "2K": 1120, "4K": 2000}
"""What an image that comes back counts, by imageSize."""

_MESSAGES: Mapping[str, str] = {
    "no_image": "The model was expected to generate an image, but did not.",
    "image_safety": "The generated image may violate safety policies.",
    "image_prohibited_content": "The generated image may contain prohibited content.",
    "image_recitation": "The generated image may be a recitation from a source.",
    "image_other": "Image generation stopped for another reason.",
    "prohibited_content": "The content may be prohibited.",
    "max_tokens": "",
}


class _Part(BaseModel):
    """Fields that the simulator does not read are ignored, as they arrive in more than one spelling."""

    model_config = {"alias_generator": to_camel, "populate_by_name": True}


class _Data(_Part):
    mime_type: str
    data: str


class _ContentPart(_Part):
    text: str | None = None
    inline_data: _Data | None = None


class _Content(_Part):
    role: str = "user"
    parts: list[_ContentPart] = Field(min_length=1)


class _ImageConfig(_Part):
    aspect_ratio: str | None = None
    image_size: str | None = None


class _GenerationConfig(_Part):
    response_modalities: list[str] = Field(default_factory=list[str])
    image_config: _ImageConfig = Field(default_factory=_ImageConfig)
    response_mime_type: str | None = None
    response_schema: dict[str, object] | None = None
    response_json_schema: dict[str, object] | None = None
    seed: int | None = None
    temperature: float | None = None
    max_output_tokens: int | None = None


class _Request(_Part):
    contents: list[_Content] = Field(min_length=1)
    system_instruction: _Content | None = None
    generation_config: _GenerationConfig = Field(default_factory=_GenerationConfig)


def read_key(headers: Headers) -> str | None:
    """Find the key."""
    return headers.get("x-goog-api-key")


def take_in(body: bytes, model: str, keep: Callable[[bytes], Picture]) -> Asked:
    """Read a request; its pictures are handed to `keep` as they are decoded.

    Raises:
        BadRequestError: not what the wire allows.
    """
    try:
        request = _Request.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadRequestError(
            f"Invalid JSON payload received: {where}: {first['type']}", parameter=where
        ) from None
    config = request.generation_config
    _check_image(config.image_config)
    schema = config.response_json_schema or config.response_schema or {}
    return Asked(
        wire="gemini",
        model=model,
        kind=_kind(model, config),
        content=_content(request, keep),
        parameters=_parameters(config),
        properties=property_names(schema),
    )


def answer(asked: Asked, made: Made) -> HttpReply:
    """Write an answer: text parts, and a picture among them."""
    if asked.kind == "text":
        reason = "MAX_TOKENS" if made.cut else "STOP"
        return _reply(made, [{"text": made.body.decode()}], reason=reason)
    remark: list[Mapping[str, object]] = [{"text": made.remark}] if made.remark else []
    data = base64.b64encode(made.body).decode()
    picture = {"inlineData": {"mimeType": made.mime_type, "data": data}}
    return _reply(made, [*remark, picture], reason="STOP")


def refusal(asked: Asked, fault: str, made: Made) -> HttpReply:
    """Write a reply without an output."""
    del asked
    if fault == "text_instead":
        return _reply(
            made,
            [{"text": "I can describe this photo, but here is no picture."}],
            reason="STOP",
        )
    if fault == "stop_empty":
        return _reply(made, [], reason="STOP")
    return _reply(made, [], reason=fault.upper(), message=_MESSAGES[fault])


def _kind(model: str, config: _GenerationConfig) -> Kind:
    """Tell what is asked for: modalities that are stated, else what models.toml says of the id."""
    if config.response_modalities:
        wanted = {modality.upper() for modality in config.response_modalities}
        return "image" if "IMAGE" in wanted else "text"
    row = row_of(model, {})
    return "image" if row is not None and row.kind == "mfm" else "text"


def _check_image(config: _ImageConfig) -> None:
    if config.aspect_ratio is not None and config.aspect_ratio not in ASPECT_RATIOS:
        raise BadRequestError(
            f"aspect_ratio {config.aspect_ratio!r} must be one of {sorted(ASPECT_RATIOS)}",
            parameter="aspect_ratio",
        )
    if config.image_size is not None and config.image_size not in IMAGE_TOKENS:
        raise BadRequestError(
            f"image_size {config.image_size!r} must be one of {sorted(IMAGE_TOKENS)}",
            parameter="image_size",
        )


def _parameters(config: _GenerationConfig) -> dict[str, Scalar]:
    stated: dict[str, Scalar | None] = {
        "aspectRatio": config.image_config.aspect_ratio,
        "imageSize": config.image_config.image_size,
        "seed": config.seed,
        "temperature": config.temperature,
        "maxOutputTokens": config.max_output_tokens,
        "responseMimeType": config.response_mime_type,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _content(request: _Request, keep: Callable[[bytes], Picture]) -> tuple[str | Picture, ...]:
    told = [request.system_instruction] if request.system_instruction else []
    found: list[str | Picture] = []
    for part in (part for content in (*told, *request.contents) for part in content.parts):
        if part.text is not None:
            found.append(part.text)
        if part.inline_data is not None:
            found.append(keep(decode_base64(part.inline_data.data)))
    return tuple(found)


def _reply(
    made: Made, parts: Sequence[Mapping[str, object]], *, reason: str, message: str = ""
) -> HttpReply:
    candidate: dict[str, object] = {"finishReason": reason, "index": 0}
    if parts:
        candidate["content"] = {"parts": list(parts), "role": "model"}
    if message:
        candidate["finishMessage"] = message
    value = {
        "candidates": [candidate],
        "usageMetadata": _usage(made.usage),
        "modelVersion": made.version,
        "responseId": made.reply_id,
    }
    return json_reply(value)


def _usage(usage: Usage) -> Mapping[str, object]:
    """State tokens as Gemini does: thoughts are counted beside the candidates, details by modality."""
    text = usage.output_tokens - THOUGHT_TOKENS
    details = [
        {"modality": modality, "tokenCount": count}
        for modality, count in (("IMAGE", usage.image_tokens), ("TEXT", text))
        if count
    ]
    return {
        "promptTokenCount": usage.input_tokens,
        "candidatesTokenCount": text + usage.image_tokens,
        "thoughtsTokenCount": THOUGHT_TOKENS,
        "totalTokenCount": usage.input_tokens + usage.output_tokens + usage.image_tokens,
        "candidatesTokensDetails": details,
    }


def _image_tokens(asked: Asked) -> int:
    return IMAGE_TOKENS[str(asked.parameters.get("imageSize", "1K"))]


WIRE = Wire(
    "gemini",
    key=read_key,
    answer=answer,
    refusal=refusal,
    error=error,
    image_tokens=_image_tokens,
    thought_tokens=lambda _: THOUGHT_TOKENS,
    has_remarks=True,
)
