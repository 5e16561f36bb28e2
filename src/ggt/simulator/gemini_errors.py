"""Gemini's errors in the envelope of google.rpc; the details of limits are as users report them."""

from collections.abc import Mapping

from ggt.simulator.wire import HttpReply, Trouble, json_reply

_STATUS: Mapping[str, tuple[int, str, str]] = {
    "bad_request": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "key_invalid": (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."),
    "key_missing": (403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers."),
    "rate_limit_minute": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    "rate_limit_day": (429, "RESOURCE_EXHAUSTED", "You exceeded your current quota."),
    "rate_limit_spend": (
        429,
        "RESOURCE_EXHAUSTED",
        "Your project has exceeded its monthly spending cap.",
    ),
    "capacity": (429, "RESOURCE_EXHAUSTED", "No capacity available for this model."),
    "server_error": (500, "INTERNAL", "An internal error has occurred."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
}
_QUOTAS: Mapping[str, str] = {
    "rate_limit_minute": "GenerateRequestsPerMinutePerProjectPerModel",
    "rate_limit_day": "GenerateRequestsPerDayPerProjectPerModel",
    "rate_limit_spend": "SpendPerMonthPerProject",
}


def error(trouble: Trouble) -> HttpReply:
    """Write an error in the envelope of google.rpc; a refused prompt is a reply without candidates."""
    if trouble.name == "refused_prompt":
        return json_reply({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}})
    status, word, message = _STATUS[trouble.name]
    envelope = {
        "code": status,
        "message": trouble.message or message,
        "status": word,
        "details": _details(trouble),
    }
    return json_reply({"error": envelope}, status=status)


def _details(trouble: Trouble) -> list[Mapping[str, object]]:
    name = trouble.name
    if name == "key_invalid":
        return [_error_info("API_KEY_INVALID")]
    if name == "capacity":
        return [_error_info("MODEL_CAPACITY_EXHAUSTED"), _retry_info(trouble.delay_s)]
    if name not in _QUOTAS:
        return []
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_requests",
        "quotaId": _QUOTAS[name],
        "quotaDimensions": {"location": "global", "model": trouble.model},
        "quotaValue": "10",
    }
    quota = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}
    # A daily quota comes with a short retryDelay too: a trap that clients fall into.
    return [_error_info("RATE_LIMIT_EXCEEDED"), quota, _retry_info(trouble.delay_s)]


def _error_info(reason: str) -> Mapping[str, object]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }


def _retry_info(delay_s: float) -> Mapping[str, object]:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{delay_s:g}s"}
