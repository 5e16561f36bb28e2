"""OpenAI's errors in its own envelope, with the codes that it documents and those that users report."""

from collections.abc import Mapping

from ggt.simulator.wire import HttpReply, Trouble, json_reply

_STATUS: Mapping[str, tuple[int, str, str | None, str]] = {
    "bad_request": (400, "invalid_request_error", "invalid_value", "Invalid request."),
    "key_invalid": (
        401,
        "invalid_request_error",
        "invalid_api_key",
        "Incorrect API key provided.",
    ),
    "key_missing": (
        401,
        "invalid_request_error",
        None,
        "You didn't provide an API key.",
    ),
    "rate_limit_minute": (
        429,
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached on requests per min (RPM): Limit 10, Used 10, Requested 1.",
    ),
    "rate_limit_day": (
        429,
        "requests",
        "rate_limit_exceeded",
        "Rate limit reached on requests per day (RPD): Limit 10, Used 10, Requested 1.",
    ),
    "rate_limit_spend": (
        429,
        "insufficient_quota",
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
    "capacity": (
        429,
        "server_error",
        "engine_overloaded",
        "The engine is currently overloaded, please try again later.",
    ),
    "server_error": (
        500,
        "server_error",
        None,
        "The server had an error while processing your request.",
    ),
    "overloaded": (
        503,
        "service_unavailable_error",
        "server_is_overloaded",
        "Our servers are currently overloaded. Please try again later.",
    ),
    "refused_prompt": (
        400,
        "invalid_request_error",
        "content_policy_violation",
        "Your request was rejected as a result of our safety system.",
    ),
    "moderation_blocked": (
        400,
        "image_generation_user_error",
        "moderation_blocked",
        "Your request was rejected by the safety system. safety_violations=[violence].",
    ),
}
_ASK_FOR_DELAY = ("rate_limit_minute", "rate_limit_day", "capacity")


def error(trouble: Trouble) -> HttpReply:
    """Write an error in OpenAI's envelope."""
    status, kind, code, message = _STATUS[trouble.name]
    envelope = {
        "message": trouble.message or message,
        "type": kind,
        "param": trouble.parameter,
        "code": code,
    }
    headers: dict[str, str] = {}
    if trouble.name in _ASK_FOR_DELAY:
        headers = {
            "retry-after": f"{trouble.delay_s:g}",
            "retry-after-ms": f"{trouble.delay_s * 1000:.0f}",
        }
    return json_reply({"error": envelope}, status=status, headers=headers)
