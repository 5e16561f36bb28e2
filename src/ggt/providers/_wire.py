"""What the wires share: one HTTP client that sends once, what its failures mean for the bill, delays, pictures."""

import base64
import binascii
import email.utils
import ipaddress
import math
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, model_validator

from ggt.errors import UsageError
from ggt.providers import Connection, InDoubtError, InvalidRequestError, SendError, UnbilledError
from ggt.providers._keys import redacted

if TYPE_CHECKING:
    import httpx2

REQUEST_ID_HEADER = "X-Client-Request-Id"
"""Carries the send's id: OpenAI finds a request by it, others ignore it."""
_CONNECT_TIMEOUT_S = 20.0
_URL_SAFE = str.maketrans("-_", "+/")


class WireModel(BaseModel):
    """A part of a reply that ggt reads: other fields are the server's business, null is the same as absent."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", validate_by_name=True, validate_by_alias=True
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        fields = cast(dict[str, object], value)
        return {name: field for name, field in fields.items() if field is not None}


def is_here(address: str | None) -> bool:
    """Say whether an address is this machine: a loopback one, or localhost; what is not surely here is elsewhere."""
    host = urlsplit(address or "").hostname
    if host is None:
        return False
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def http_client(timeout_s: float, *, base_url: str | None) -> "httpx2.AsyncClient":
    """Open the HTTP client that both SDKs are given, so that one call is one request.

    Theirs follow redirects, which would send a paid request again, and google-genai's own would be aiohttp where that
    is installed, with a silent second try after a lost connection. No connection is used twice: one that the other
    side is just closing would leave a paid send in doubt. How many are open at once is the engine's matter. A server on
    this machine is never reached through a proxy, which would see what must not leave.
    """
    import httpx2

    async def bound_connecting(request: httpx2.Request) -> None:
        # The SDKs set one timeout for everything. A connection that is not made in time is free to try again; if it
        # used up the whole wait it would look like a request without an answer.
        bounds = request.extensions.get("timeout", {})
        bounds["connect"] = min(_CONNECT_TIMEOUT_S, timeout_s / 2)
        request.extensions["timeout"] = bounds

    return httpx2.AsyncClient(
        follow_redirects=False,
        trust_env=not is_here(base_url),
        timeout=httpx2.Timeout(timeout_s),
        limits=httpx2.Limits(max_connections=None, max_keepalive_connections=0),
        event_hooks={"request": [bound_connecting]},
    )


def address_of(connection: Connection, usual: str) -> str:
    """Say where a client is to send; `usual` is the vendor's own address.

    Raises:
        UsageError: base_url is no address.
    """
    stated = connection.base_url or usual
    try:
        parts = urlsplit(stated)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        whole = False
    if not whole:
        raise UsageError(f"base_url {stated!r} is no address: it begins with https:// and a host")
    return stated


def transport_errors() -> tuple[type[Exception], ...]:
    """List what arrives from below HTTP; errors of TLS and of lost streams come through httpx2 as they are."""
    import anyio
    import httpx2

    lost = (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError)
    return (httpx2.HTTPError, httpx2.InvalidURL, OSError, *lost)


def transport_failure(error: BaseException | None, key: str | None) -> SendError:
    """Say what a failure below HTTP means: it never left, it could not leave, or nobody knows."""
    import httpx2

    cause = redacted(f"{type(error).__name__}: {error}".removesuffix(": "), key)
    match error:
        case httpx2.ConnectError() | httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return UnbilledError(f"no connection, nothing was sent ({cause})")
        case httpx2.ProxyError():
            return UnbilledError(f"the proxy makes no connection, nothing was sent ({cause})")
        case httpx2.UnsupportedProtocol() | httpx2.InvalidURL():
            return InvalidRequestError(f"nothing can be sent to the base_url ({cause})")
        case _:
            return InDoubtError(f"the request was sent and no whole answer came back ({cause})")


def no_answer(timeout_s: float) -> InDoubtError:
    """Say that the row's `timeout_s` has passed."""
    return InDoubtError(
        f"no answer in {timeout_s:g} s (the row's timeout_s); it may have been billed"
    )


def delay_s(headers: Mapping[str, str]) -> float:
    """Read how long a server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date; else 0."""
    milliseconds = _number(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    stated = headers.get("retry-after", "")
    seconds = _number(stated)
    if seconds is not None:
        return seconds
    date = email.utils.parsedate_tz(stated)
    return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else 0.0


def read_png(path: Path) -> bytes:
    """Read a picture that is to be sent; call it in a thread.

    Raises:
        InvalidRequestError: the file cannot be read, so nothing was sent.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidRequestError(f"cannot read the picture to send: {error}") from None


def from_base64(text: str) -> bytes:
    """Decode a picture; empty when it is not base64."""
    with suppress(binascii.Error, ValueError):
        return base64.b64decode(text, validate=True)  # the usual form: half the time of mending it
    try:
        return base64.b64decode("".join(text.split()).translate(_URL_SAFE), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and value >= 0 else None
