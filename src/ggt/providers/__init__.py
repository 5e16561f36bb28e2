"""Clients of vendors' and servers' interfaces, one file per wire: what is asked, what comes back, how it can fail."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ggt.errors import GgtError
from ggt.models import Model, Usage

Stage = Literal["prompt", "output"]
LimitScope = Literal["minute", "capacity"]
StopScope = Literal["key", "day", "spend", "account"]
JsonSchema = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Connection:
    """What a client is opened with."""

    model: Model
    base_url: str | None
    """None is the vendor's own address."""
    key: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class EditRequest:
    """One question to an mfm: a picture and an instruction, for one picture of the same size.

    The picture stays on disk until it is sent: hundreds of requests wait at once.
    """

    prompt: str
    image: Path
    """A PNG file."""
    width: int
    height: int
    seed: int | None = None
    """None where the model takes none."""


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """One question to a vlm: texts and pictures (PNG files) in their order, for one JSON value of a schema."""

    content: tuple[str | Path, ...]
    schema: JsonSchema
    """Sent as the wire's native structured output, where it has any; whoever asks validates all the same."""
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What one send brought back; a `refused` or `no_image` is an outcome, not an error.

    `body` is kept as it came: the picture's bytes, or the text in UTF-8. `usage` is None when the wire states none.
    """

    kind: Literal["image", "text", "refused", "no_image"]
    body: bytes
    usage: Usage | None
    version: str
    """The model that says it answered."""
    at: Stage | None = None
    """Whether the prompt or the output was refused."""
    code: str = ""
    """The wire's own word for why: a finish reason, a block reason, an error code."""
    detail: str = ""
    """A sentence for people, without keys and without pictures."""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Pending:
    """The provider took the request and is asked for the result later, by this id; asking is free."""

    remote_id: str


@dataclass(frozen=True, slots=True)
class Client:
    """An open connection to one model; a function that the wire has not is None.

    `edit` and `answer` make exactly one request each, whatever happens, and `send_id` travels as a request id where the
    wire has room for one. `poll(remote_id)` returns None while the result is not there.
    All raise the errors below and nothing else.
    """

    edit: Callable[[EditRequest, str], Awaitable[Reply | Pending]] | None = None
    answer: Callable[[AnswerRequest, str], Awaitable[Reply | Pending]] | None = None
    poll: Callable[[str], Awaitable[Reply | None]] | None = None


@dataclass(frozen=True, slots=True)
class Provider:
    """What a file of this folder adds.

    `open(connection)` is an async context manager that yields a `Client`; it makes no request by itself.
    """

    open: Callable[[Connection], AbstractAsyncContextManager[Client]]
    source: str
    """Where the wire is described."""
    key_variable: str | None = None
    """The environment variable (or keyring entry) of its key; None: it needs none."""
    base_url_variable: str | None = None
    """The environment variable that moves it to another address."""
    packages: tuple[str, ...] = ()
    """Modules that must be importable."""
    extra: str | None = None
    """The extra of ggt that installs them."""
    repeatable: bool = False
    """True for what runs in this process and costs nothing: a crash may simply repeat it."""
    missing: Callable[[Model], str | None] = lambda _: None
    """Says what else a row lacks before anything is sent, with the remedy; weights on disk, for example."""


class SendError(GgtError):
    """A send that brought no answer; the subclass says what that means for the bill."""


class UnbilledError(SendError):
    """The provider documents this failure as free: the same call may be sent again after `delay_s`."""

    def __init__(self, message: str, *, delay_s: float = 0.0) -> None:
        super().__init__(message)
        self.delay_s = delay_s


class RateLimitedError(UnbilledError):
    """Too much at once: `minute` is our own rate, answered by fewer at a time; `capacity` is the provider's trouble."""

    def __init__(self, message: str, *, scope: LimitScope, delay_s: float = 0.0) -> None:
        super().__init__(message, delay_s=delay_s)
        self.scope: LimitScope = scope


class InDoubtError(SendError):
    """The request left and no answer came: it may have been billed, so it is never repeated blindly."""


class InvalidRequestError(SendError):
    """The provider refuses the request as malformed, unbilled: asked again it would refuse again."""


class ProviderStopError(SendError):
    """The provider takes no more for now: the run stops cleanly and can be resumed.

    `key`: not accepted; `day`: a daily quota; `spend`: the account's own limit; `account`: suspended.
    """

    def __init__(self, message: str, *, scope: StopScope = "account") -> None:
        super().__init__(message)
        self.scope: StopScope = scope
