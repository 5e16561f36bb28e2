"""What comes back from the Gemini API: outcomes and errors, and what each means for the bill.

Google bills tokens of requests that succeed: "If your request fails with a 400 or 500 error, you won't be charged for
the tokens used" (https://ai.google.dev/gemini-api/docs/billing). That is Google's word and holds for errors in Google's
own form; a 5xx in any other form comes from something in between, and is in doubt.
"""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from ggt.models import Model, Usage
from ggt.providers import (
    InDoubtError,
    InvalidRequestError,
    ProviderStopError,
    RateLimitedError,
    Reply,
    SendError,
    Stage,
    UnbilledError,
)
from ggt.providers._keys import redacted
from ggt.providers._wire import WireModel, delay_s, from_base64

_REFUSED = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "ESCALATION"}
    | {"MODEL_ARMOR", "IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"}
)
"""Finish reasons by which a filter speaks: the same question meets the same filter. IMAGE_OTHER and OTHER name no
filter (Google: "a reason not otherwise specified"), so they are a missing picture, which may be asked for again."""
_BANNED = "PUP_LIMITED_DISABLED"
_SPENT = re.compile(r"credits are depleted|spending cap|spend cap", re.IGNORECASE)
_UNCLEAR = frozenset({408, 409, 499})
"""Statuses that say nothing about the work: timed out or cancelled on the way."""


class _Wire(WireModel):
    model_config = ConfigDict(alias_generator=to_camel)


class _Blob(_Wire):
    data: str = ""


class _Part(_Wire):
    text: str = ""
    inline_data: _Blob | None = None
    thought: bool = False
    """A thinking model's drafts, pictures among them: never the answer."""


class _Content(_Wire):
    parts: tuple[_Part, ...] = ()


class _Candidate(_Wire):
    content: _Content = _Content()
    finish_reason: str = ""
    finish_message: str = ""


class _Feedback(_Wire):
    block_reason: str = ""


class _Tokens(_Wire):
    modality: str = ""
    token_count: int = 0


class _Metadata(_Wire):
    prompt_token_count: int = 0
    tool_use_prompt_token_count: int = 0
    candidates_token_count: int = 0
    candidates_tokens_details: tuple[_Tokens, ...] = ()
    thoughts_token_count: int = 0


class Answered(_Wire):
    """A reply with status 200."""

    candidates: tuple[_Candidate, ...] = ()
    prompt_feedback: _Feedback = _Feedback()
    usage_metadata: _Metadata | None = None
    model_version: str = ""
    response_id: str = ""


class _Violation(_Wire):
    quota_id: str = ""
    quota_value: str | int = ""


class _Detail(_Wire):
    reason: str = ""
    retry_delay: str = ""
    violations: tuple[_Violation, ...] = ()


class _Status(_Wire):
    code: int
    message: str = ""
    status: str = ""
    details: tuple[_Detail, ...] = ()


class _Envelope(_Wire):
    """Google's form has `error`; what the SDK makes of any other body has the two texts."""

    error: _Status | None = None
    message: str = ""
    status: str = ""


def picture(answer: Answered, model: Model) -> Reply:
    """Read a reply to an edit; the type that the wire states for the picture is not always true, so it is not read.

    Raises:
        ProviderStopError: the account is limited or disabled for what was asked of it.
    """
    found = [part.inline_data.data for part in _parts(answer) if part.inline_data]
    body = from_base64(found[0]) if found else b""
    if body:
        return _reply(answer, model, "image", body=body)
    if found:
        return _reply(answer, model, "no_image", code="BAD_BASE64")
    return _unhappy(answer, model) or _reply(answer, model, "no_image")


def text(answer: Answered, model: Model) -> Reply:
    """Read a reply to a question; one that was cut at MAX_TOKENS says so in its code, and whoever parses it decides.

    Raises:
        ProviderStopError: the account is limited or disabled for what was asked of it.
    """
    body = _said(answer).encode("utf-8", "replace")
    return _unhappy(answer, model) or _reply(answer, model, "text", body=body)


def failure(status: int, body: object, headers: Mapping[str, str], key: str | None) -> SendError:
    """Say what an error status means; `body` is the SDK's reading of it."""
    try:
        envelope = _Envelope.model_validate(body)
    except ValidationError:
        envelope = _Envelope()
    said = envelope.error or _Status(code=status, message=envelope.message)
    message = redacted(f"{status} {said.status or envelope.status}: {said.message}", key)
    delay = _delay_s(said, headers)
    if status >= 500:
        return _server_failure(status, message, in_form=envelope.error is not None, delay=delay)
    if status == 429:
        return _too_much(message, said, delay)
    if status < 400 or status in _UNCLEAR:
        return _unclear(status, message)
    return _client_failure(status, message, said)


def _unhappy(answer: Answered, model: Model) -> Reply | None:
    """Tell a refusal, at the prompt or at the output; None when nothing was refused."""
    blocked, finish = answer.prompt_feedback.block_reason, _finish(answer)
    if finish == _BANNED:
        raise ProviderStopError(
            f"Google has limited or disabled this account for prohibited use ({finish})"
        )
    if finish in _REFUSED:
        return _reply(answer, model, "refused", at="output")
    if blocked and not answer.candidates:
        return _reply(answer, model, "refused", at="prompt", code=blocked)
    return None


def _reply(
    answer: Answered,
    model: Model,
    kind: Literal["image", "text", "refused", "no_image"],
    *,
    body: bytes = b"",
    at: Stage | None = None,
    code: str = "",
) -> Reply:
    why = answer.candidates[0].finish_message if answer.candidates else ""
    detail = "" if kind in ("image", "text") else redacted(why or _said(answer), None)
    finish = _finish(answer)
    return Reply(
        kind=kind,
        body=body,
        usage=_usage(answer, num_images=int(kind == "image")),
        version=answer.model_version or model.id,
        at=at,
        code=code or ("" if finish == "STOP" and body else finish),
        detail=detail,
        request_id=answer.response_id,
    )


def _finish(answer: Answered) -> str:
    return answer.candidates[0].finish_reason if answer.candidates else "NO_CANDIDATES"


def _parts(answer: Answered) -> tuple[_Part, ...]:
    parts = answer.candidates[0].content.parts if answer.candidates else ()
    return tuple(part for part in parts if not part.thought)


def _said(answer: Answered) -> str:
    return "".join(part.text for part in _parts(answer))


def _usage(answer: Answered, *, num_images: int) -> Usage | None:
    used = answer.usage_metadata
    if used is None:
        return None
    details = {tokens.modality: tokens.token_count for tokens in used.candidates_tokens_details}
    # Without the split everything beside a picture counts as picture, the dearer of the two.
    image_tokens = details.get("IMAGE", used.candidates_token_count if num_images else 0)
    return Usage(
        input_tokens=used.prompt_token_count + used.tool_use_prompt_token_count,
        output_tokens=max(0, used.candidates_token_count - image_tokens)
        + used.thoughts_token_count,
        image_tokens=image_tokens,
        num_images=num_images,
    )


def _unclear(status: int, message: str) -> SendError:
    if 300 <= status < 400:
        return InvalidRequestError(
            f"the address leads elsewhere, state that as base_url: {message}"
        )
    return InDoubtError(message)


def _server_failure(status: int, message: str, *, in_form: bool, delay: float) -> SendError:
    if not in_form:
        return InDoubtError(f"{message} (not in Google's form, so it may have been billed)")
    if status in (503, 529):
        return RateLimitedError(message, scope="capacity", delay_s=delay)
    return UnbilledError(message, delay_s=delay)


def _too_much(message: str, envelope: _Status, delay: float) -> SendError:
    """Tell a rate (wait, send fewer at a time), a lack of capacity (wait) and quotas (stop) apart."""
    violations = [violation for detail in envelope.details for violation in detail.violations]
    reasons = {detail.reason for detail in envelope.details}
    # A quota of nothing is the free tier's for models that it does not have.
    none_at_all = any(str(violation.quota_value) == "0" for violation in violations)
    if none_at_all or _SPENT.search(envelope.message):
        return ProviderStopError(message, scope="spend")
    if any("PerDay" in violation.quota_id for violation in violations):
        return ProviderStopError(
            f"{message} (quotas of a day start anew at midnight Pacific time)", scope="day"
        )
    if "MODEL_CAPACITY_EXHAUSTED" in reasons:
        return RateLimitedError(message, scope="capacity", delay_s=delay)
    return RateLimitedError(message, scope="minute", delay_s=delay)


def _client_failure(status: int, message: str, envelope: _Status) -> SendError:
    reasons = {detail.reason for detail in envelope.details}
    if status == 402 or "BILLING_DISABLED" in reasons:
        return ProviderStopError(message, scope="spend")
    if "CONSUMER_SUSPENDED" in reasons or envelope.status == "FAILED_PRECONDITION":
        # Suspended, or not served in this country without billing: true of every request of this account.
        return ProviderStopError(message, scope="account")
    if status in (401, 403) or "API_KEY_INVALID" in reasons:
        return ProviderStopError(message, scope="key")
    return InvalidRequestError(message)


def _delay_s(said: _Status, headers: Mapping[str, str]) -> float:
    """Read RetryInfo ("2s", "0.5s"), else the header."""
    for detail in said.details:
        if seconds := re.fullmatch(r"(\d+(?:\.\d+)?)s", detail.retry_delay):
            return float(seconds[1])
    return delay_s(headers)
