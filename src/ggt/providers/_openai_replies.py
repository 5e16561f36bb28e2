"""What comes back on OpenAI's wire: outcomes and errors, and what each means for the bill.

OpenAI says of no server error that it is free, so 5xx are in doubt, save one: 503 with `server_is_overloaded`, by which
it says that the model had no capacity to take the request (https://developers.openai.com/api/docs/guides/error-codes).
Other servers speak in forms of their own: FastAPI's `detail`, an error that is only a text.
"""

import re
from collections.abc import Mapping
from typing import Literal, cast

from pydantic import ValidationError

from ggt.models import Model, Usage
from ggt.providers import (
    InDoubtError,
    InvalidRequestError,
    ProviderStopError,
    RateLimitedError,
    Reply,
    SendError,
)
from ggt.providers._keys import redacted
from ggt.providers._wire import WireModel, delay_s, from_base64

_REFUSED = frozenset(
    {"moderation_blocked", "content_policy_violation", "content_filter", "invalid_prompt"}
)
"""Codes of status 400 by which moderation speaks: images (first two), Azure, reasoning models."""
_SPENT = frozenset(
    {"insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded"}
    | {"project_spend_limit_exceeded", "organization_usage_limit_exceeded"}
    | {"billing_hard_limit_reached", "billing_not_active"}
)
"""Codes, of whatever status, that mean the account's money; retrying does not help."""
_OVERLOADED = frozenset({"server_is_overloaded", "engine_overloaded"})
_DAILY = re.compile(r"\bper day\b|\b[RTI]PD\b")
_DAY_FROM_S = 3600.0
"""A server that asks for more than an hour's wait has no minute in mind."""
_UNCLEAR = frozenset({408, 409})


class _ImageTokens(WireModel):
    image_tokens: int | None = None


class _ImageUsage(WireModel):
    input_tokens: int = 0
    output_tokens: int = 0
    output_tokens_details: _ImageTokens = _ImageTokens()


class _Image(WireModel):
    b64_json: str = ""
    url: str = ""


class Images(WireModel):
    """A reply of images/edits with status 200."""

    data: tuple[_Image, ...] = ()
    usage: _ImageUsage | None = None
    model: str = ""
    """Not OpenAI's, but some servers'."""


class _ChatUsage(WireModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Message(WireModel):
    content: str = ""
    refusal: str = ""


class _Choice(WireModel):
    message: _Message = _Message()
    finish_reason: str = ""


class Chat(WireModel):
    """A reply of chat/completions with status 200."""

    choices: tuple[_Choice, ...] = ()
    usage: _ChatUsage | None = None
    model: str = ""
    id: str = ""


class _Moderation(WireModel):
    moderation_stage: str = ""


class _Complaint(WireModel):
    """An error's body, by OpenAI (`message`, `type`, `code`) or by FastAPI (`detail`)."""

    message: str = ""
    type: str = ""
    code: str | int = ""
    detail: object = ""
    moderation_details: _Moderation = _Moderation()


def picture(images: Images, model: Model, *, request_id: str) -> Reply:
    """Read a reply to an edit."""
    first = images.data[0] if images.data else _Image()
    body = from_base64(first.b64_json)
    kind: Literal["image", "no_image"] = "image" if body else "no_image"
    code, detail = "", ""
    if not body and first.b64_json:
        code = "bad_base64"
    elif not body and first.url:
        code = "url_only"
        detail = (
            "the server answered with an address instead of a picture: "
            'add response_format = "b64_json" to the row\'s parameters'
        )
    elif not body:
        code = "no_data"
    made = bool(body) or code in (
        "bad_base64",
        "url_only",
    )  # it may be billed, though nobody can use it
    return Reply(
        kind=kind,
        body=body,
        usage=_image_usage(images, num_images=int(made)) or _unstated(made and not body),
        version=images.model or model.id,
        code=code,
        detail=detail,
        request_id=request_id,
    )


def text(chat: Chat, model: Model, *, request_id: str) -> Reply:
    """Read a reply to a question; one that was cut says so in its code, and whoever parses it decides."""
    choice = chat.choices[0] if chat.choices else _Choice(finish_reason="no_choices")
    refused = bool(choice.message.refusal) or choice.finish_reason == "content_filter"
    used = chat.usage
    code = "" if choice.finish_reason == "stop" else choice.finish_reason
    return Reply(
        kind="refused" if refused else "text",
        body=b"" if refused else choice.message.content.encode("utf-8", "replace"),
        usage=Usage(used.prompt_tokens, used.completion_tokens) if used else None,
        version=chat.model or model.id,
        at="output" if refused else None,
        code=code or ("refusal" if refused else ""),
        detail=redacted(choice.message.refusal, None),
        request_id=request_id or chat.id,
    )


def refusal(status: int, body: object, model: Model, *, request_id: str) -> Reply | None:
    """Read an error by which moderation speaks; None for every other error."""
    said = _complaint(body)
    code = str(said.code)
    if status != 400 or code not in _REFUSED:
        return None
    after = said.moderation_details.moderation_stage == "output"
    return Reply(
        kind="refused",
        body=b"",
        usage=None,
        version=model.id,
        at="output" if after else "prompt",
        code=code,
        detail=redacted(said.message, None),
        request_id=request_id,
    )


def failure(status: int, body: object, headers: Mapping[str, str], key: str | None) -> SendError:
    """Say what an error status means; `body` is the SDK's reading of it."""
    said = _complaint(body)
    message = redacted(f"{status} {said.code or said.type}: {_readable(said, body)}", key)
    delay = delay_s(headers)
    if said.code in _SPENT or said.type == "insufficient_quota" or status == 402:
        return ProviderStopError(message, scope="spend")
    if said.code in _OVERLOADED and status in (429, 503):
        return RateLimitedError(message, scope="capacity", delay_s=delay)
    if status == 429:
        if _DAILY.search(said.message) or delay > _DAY_FROM_S:
            return ProviderStopError(message, scope="day")
        return RateLimitedError(message, scope="minute", delay_s=delay)
    if status >= 500 or status in _UNCLEAR:
        return InDoubtError(f"{message} (nobody says that this is free)")
    return _client_failure(status, message, said)


def _client_failure(status: int, message: str, said: _Complaint) -> SendError:
    if said.code == "account_deactivated":
        return ProviderStopError(message, scope="account")
    if status in (401, 403):
        return ProviderStopError(message, scope="key")
    if status < 400:
        return InvalidRequestError(
            f"the address leads elsewhere, state that as base_url: {message}"
        )
    return InvalidRequestError(message)


def _complaint(body: object) -> _Complaint:
    try:
        return _Complaint.model_validate(body)
    except ValidationError:
        return _Complaint()


def _readable(said: _Complaint, body: object) -> str:
    """Find the sentence in an error; FastAPI lists one complaint for each field that it rejects."""
    if said.message:
        return said.message
    detail = said.detail
    if isinstance(detail, list):
        return "; ".join(_field_complaint(item) for item in cast(list[object], detail))
    return str(detail or body or "no text")


class _FieldComplaint(WireModel):
    loc: tuple[str | int, ...] = ()
    msg: str = ""


def _field_complaint(item: object) -> str:
    try:
        field = _FieldComplaint.model_validate(item)
    except ValidationError:
        return str(item)
    return f"{'.'.join(str(part) for part in field.loc)}: {field.msg}"


def _unstated(made: bool) -> Usage | None:
    """Count a picture that was made and cannot be used, where the server states no usage."""
    return Usage(num_images=1) if made else None


def _image_usage(images: Images, *, num_images: int) -> Usage | None:
    used = images.usage
    if used is None:
        return None
    # Without the split all output counts as picture: text comes back from few image models, and is the cheaper.
    stated = used.output_tokens_details.image_tokens
    image_tokens = used.output_tokens if stated is None else stated
    return Usage(
        input_tokens=used.input_tokens,
        output_tokens=max(0, used.output_tokens - image_tokens),
        image_tokens=image_tokens,
        num_images=num_images,
    )
