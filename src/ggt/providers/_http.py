"""What the providers without an SDK share: one exchange over HTTP, and what its failure means for the bill."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from ggt.errors import UsageError
from ggt.models import Model
from ggt.providers import (
    Connection,
    InDoubtError,
    InvalidRequestError,
    LimitScope,
    ProviderStopError,
    RateLimitedError,
    Reply,
    SendError,
    Stage,
    StopScope,
    UnbilledError,
)
from ggt.providers._keys import key_of, redacted
from ggt.providers._wire import delay_s, is_here, read_png

_CONNECT_S = 10.0
_MOST_BYTES = 128 * 2**20
"""More than any picture at the sizes that we ask for, in base64: a longer body is not read to its end."""
_HOST = re.compile(r"(?:[0-9a-z_-]{1,63}\.)*[0-9a-z_-]{1,63}|[0-9a-f:.]+")
_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
)

_ValueT = TypeVar("_ValueT")


class Wire(BaseModel):
    """A value that a vendor sends; what it holds besides the named fields is passed over."""

    model_config = ConfigDict(frozen=True, extra="ignore")


_WireT = TypeVar("_WireT", bound=Wire)


@dataclass(frozen=True, slots=True)
class Stated:
    """What an error's body says, in the vendor's words."""

    code: str
    message: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one vendor says what went wrong; a code is looked up whole, then without what follows its first dot."""

    vendor: str
    read: Callable[[bytes], Stated | None]
    """Reads an error's body; None when it is not in the vendor's form."""
    domain: str | None = None
    """Hosts of this domain may be sent the key, besides the one of base_url."""
    refusals: Mapping[str, Stage] = field(default_factory=dict[str, Stage])
    limits: Mapping[str, LimitScope] = field(default_factory=dict[str, LimitScope])
    stops: Mapping[str, StopScope] = field(default_factory=dict[str, StopScope])
    free_statuses: frozenset[int] = frozenset()
    """Server errors that the vendor documents as unbilled; only where the body is in its own form."""


@dataclass(frozen=True, slots=True)
class Line:
    """An open client and all that an exchange with its vendor needs."""

    http: httpx.AsyncClient
    base_url: str
    model: Model
    dialect: Dialect
    key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Failure:
    """An answer that is no result; `message` is free of keys and pictures."""

    status: int
    code: str
    message: str
    delay_s: float = 0.0
    request_id: str = ""
    in_form: bool = True
    """Whether the vendor itself speaks, rather than a gateway before it."""


@asynccontextmanager
async def open_line(
    connection: Connection, dialect: Dialect, *, key_variable: str, base_url: str
) -> AsyncGenerator[Line, None]:
    """Open a client for `connection.base_url`, else for the vendor's own `base_url`; nothing is sent.

    Raises:
        ProviderStopError: the key is missing or is none.
        UsageError: base_url is no address.
    """
    address = (connection.base_url or base_url).rstrip("/")
    if _origin(address) is None:
        raise UsageError(f"base_url {address!r} is no address: it begins with https:// and a host")
    timeout_s = connection.model.timeout_s
    timeout = httpx.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s / 2), pool=None)
    # No connection is used twice: one that the other side is just closing would leave a paid send in doubt. How many
    # are open at once is the engine's matter.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    key = key_of(connection, key_variable)
    async with httpx.AsyncClient(
        timeout=timeout,
        limits=limits,
        follow_redirects=False,
        trust_env=not is_here(address),  # a server on this machine is never reached through a proxy
    ) as http:
        yield Line(http, address, connection.model, dialect, key)


async def post(
    line: Line, path: str, *, body: Mapping[str, object], headers: Mapping[str, str]
) -> Answer:
    """Make the one request that may be billed.

    Raises:
        InvalidRequestError: it cannot be written as JSON, so nothing was sent.
        UnbilledError: no connection was made, so nothing was sent.
        InDoubtError: it was sent and no whole answer came back.
    """
    vendor = line.dialect.vendor
    try:
        request = line.http.build_request("POST", line.base_url + path, json=body, headers=headers)
    except (
        ValueError
    ) as error:  # halves of characters in a prompt, a parameter that is not a number
        raise InvalidRequestError(
            f"this cannot be sent to {vendor}: {type(error).__name__}"
        ) from None
    try:
        return await _exchange(line, request)
    except _NEVER_SENT as error:
        raise UnbilledError(f"{vendor} was not reached: {_cause(line, error)}") from error
    except TimeoutError:
        raise InDoubtError(f"{vendor} did not answer in {line.model.timeout_s:g} s") from None
    except httpx.HTTPError as error:
        raise InDoubtError(f"{vendor} gave no whole answer: {_cause(line, error)}") from error


async def get(line: Line, url: str, *, headers: Mapping[str, str]) -> Answer:
    """Make a request that is free: asking for a result, or fetching it.

    Raises:
        UnbilledError: no whole answer came back; ask again.
    """
    request = line.http.build_request("GET", url, headers=headers)
    vendor = line.dialect.vendor
    try:
        return await _exchange(line, request)
    except TimeoutError:
        raise UnbilledError(f"{vendor} did not answer in {line.model.timeout_s:g} s") from None
    except httpx.HTTPError as error:
        raise UnbilledError(f"{vendor} gave no whole answer: {_cause(line, error)}") from error


async def download(line: Line, url: str) -> bytes:
    """Fetch a result, without the key.

    Raises:
        UnbilledError: it did not come this time.
        InDoubtError: it is no longer there, or lies where nothing is fetched from.
    """
    vendor = line.dialect.vendor
    if not (is_https(url) or same_origin(url, line.base_url)):
        raise InDoubtError(f"the result of {vendor} lies at an address that is not https")
    answer = await get(line, url, headers={})
    if answer.status in (403, 404, 410):
        raise InDoubtError(f"the result of {vendor} is no longer there ({answer.status})")
    if answer.status != 200 or not answer.body:
        raise UnbilledError(f"the result of {vendor} did not come ({answer.status})")
    return answer.body


def read_json(shape: type[_WireT], body: bytes) -> _WireT | None:
    """Read a body; None when it is not JSON of that shape."""
    try:
        return shape.model_validate_json(body)
    except ValidationError:
        return None


def failure_of(line: Line, answer: Answer) -> Failure:
    """Read an answer that is no result."""
    stated = line.dialect.read(answer.body)
    return Failure(
        answer.status,
        clean(line, stated.code) if stated else "",
        clean(line, stated.message) if stated else "",
        delay_s=delay_s(answer.headers),
        request_id=clean(line, stated.request_id) if stated else "",
        in_form=stated is not None,
    )


def refused(line: Line, failure: Failure) -> Reply | None:
    """Turn a failure into the reply that it is when the vendor's code stands for moderation."""
    stage = _by_code(line.dialect.refusals, failure.code)
    return refusal(line, failure, at=stage) if stage else None


def refusal(line: Line, failure: Failure, *, at: Stage) -> Reply:
    """Make the reply of a prompt or an output that was refused."""
    return Reply(
        "refused",
        b"",
        usage=None,
        version=line.model.id,
        at=at,
        code=failure.code,
        detail=failure.message,
        request_id=failure.request_id,
    )


def no_image(line: Line, *, code: str, detail: str, request_id: str) -> Reply:
    """Make the reply of a request that was answered without a picture."""
    return Reply(
        "no_image",
        b"",
        usage=None,
        version=line.model.id,
        code=code,
        detail=detail,
        request_id=request_id,
    )


def send_error(line: Line, failure: Failure) -> SendError:
    """Say what a failure of the paid request means for the bill: the vendor's code goes before the status."""
    text = _text(line, failure)
    stop = _by_code(line.dialect.stops, failure.code)
    if stop:
        return ProviderStopError(text, scope=stop)
    limit = _by_code(line.dialect.limits, failure.code)
    if limit:
        return RateLimitedError(text, scope=limit, delay_s=failure.delay_s)
    return _by_status(line, failure, text)


def poll_error(line: Line, failure: Failure) -> SendError:
    """Say what a failed question for a result means: the request stands, so most are simply asked again."""
    text = _text(line, failure)
    stop = _by_code(line.dialect.stops, failure.code)
    if stop or failure.status in (401, 403):
        return ProviderStopError(text, scope=stop or "key")
    if failure.status == 429:
        return RateLimitedError(text, scope="minute", delay_s=failure.delay_s)
    if 400 <= failure.status < 500 and failure.status != 408:
        return InDoubtError(f"the result is lost: {text}")
    return UnbilledError(text, delay_s=failure.delay_s)


def unreadable(line: Line) -> InDoubtError:
    """Make the error of a success that cannot be read: it was billed, as far as anybody knows."""
    return InDoubtError(f"{line.dialect.vendor} answered with success, but not in its own form")


def clean(line: Line, text: str) -> str:
    """Take the key and pictures out of what a vendor says."""
    return redacted(text, line.key)


async def png_base64(path: Path) -> str:
    """Read a PNG file as base64.

    Raises:
        InvalidRequestError: it cannot be read.
    """
    return await asyncio.to_thread(lambda: base64.b64encode(read_png(path)).decode("ascii"))


def may_carry_key(line: Line, url: str) -> bool:
    """Say whether a URL that a vendor sent is the vendor's own: only there does the key go."""
    if same_origin(url, line.base_url):
        return True
    origin, domain = _origin(url), line.dialect.domain
    if domain is None or origin is None or origin[0] != "https":
        return False
    return f".{origin[1]}".endswith(f".{domain}")


def same_origin(url: str, other: str) -> bool:
    """Say whether two addresses have scheme, host and port in common."""
    return _origin(url) is not None and _origin(url) == _origin(other)


def is_https(url: str) -> bool:
    """Say whether an address is a whole https one."""
    origin = _origin(url)
    return origin is not None and origin[0] == "https"


async def _exchange(line: Line, request: httpx.Request) -> Answer:
    """Send once and read the answer to its end, all within the row's time."""
    async with asyncio.timeout(line.model.timeout_s):
        response = await line.http.send(request, stream=True)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise httpx.ReadError(f"more than {_MOST_BYTES} bytes", request=request)
            return Answer(response.status_code, response.headers, bytes(body))
        finally:
            await response.aclose()


def _by_status(line: Line, failure: Failure, text: str) -> SendError:
    status = failure.status
    if status in (401, 403):
        return ProviderStopError(text, scope="key")
    if status == 402:
        return ProviderStopError(text, scope="spend")
    if status == 429:
        return RateLimitedError(text, scope="minute", delay_s=failure.delay_s)
    if status in line.dialect.free_statuses and failure.in_form:
        return RateLimitedError(text, scope="capacity", delay_s=failure.delay_s)
    # 408 comes from gateways that waited for the vendor as well.
    if 300 <= status < 500 and status != 408:
        return InvalidRequestError(text)
    return InDoubtError(text)


def _by_code(table: Mapping[str, _ValueT], code: str) -> _ValueT | None:
    return table.get(code, table.get(code.partition(".")[0]))


def _text(line: Line, failure: Failure) -> str:
    code = f" {failure.code}" if failure.code else ""
    message = f": {failure.message}" if failure.message else ""
    return f"{line.dialect.vendor} answered {failure.status}{code}{message}"


def _cause(line: Line, error: httpx.HTTPError) -> str:
    name = type(error).__name__
    return clean(line, f"{name}: {error}") if str(error) else name


def _origin(address: str) -> tuple[str, str, int | None] | None:
    """Read scheme, host and port; None for what no request could be sent to."""
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return None
    host = url.raw_host.decode("ascii")
    # Names that resolvers choke on would raise errors that are not httpx's.
    if url.scheme not in ("http", "https") or not _HOST.fullmatch(host) or len(host) > 253:
        return None
    if url.port is not None and not 0 < url.port < 65536:
        return None
    return url.scheme, host, url.port
