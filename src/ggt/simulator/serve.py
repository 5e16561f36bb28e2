"""Running the simulated provider: on the loopback address only, until it is told to stop."""

import asyncio
import logging
import resource
import socket
import struct
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import uvicorn
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from ggt.errors import UsageError
from ggt.settings.ingest import IngestSettings
from ggt.simulator.app import ABORT, make_app
from ggt.simulator.behaviour import check_restorer
from ggt.simulator.bill import Bill
from ggt.simulator.desk import Desk, Setup
from ggt.simulator.truths import find_truths

HOST = "127.0.0.1"
_BACKLOG = 2048
_RESET_AT_ONCE = struct.pack("ii", 1, 0)
_LAST_WORDS_S = 1
"""How long requests under way may still take when the server ends."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to serve; `truths` is a folder that `ggt degrade` made, its lqs derived as `ingest` says."""

    setup: Setup
    port: int = 0
    truths: Path | None = None
    ingest: IngestSettings = field(default_factory=IngestSettings)
    bill: Path | None = None


class Protocol(H11Protocol):
    """Uvicorn's protocol, which also lets an app reset its connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - as uvicorn's
        """Hand each request a function that resets the connection it came by."""
        super().connection_made(transport)
        inner: ASGIApp = self.app

        async def reset() -> None:
            sock = transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_ONCE)
            transport.abort()
            await asyncio.sleep(0)  # until the protocol knows, and answers nothing itself

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await inner({**scope, ABORT: reset}, receive, send)

        self.app = app


def serve(plan: Plan, *, announce: Callable[[int], None]) -> None:
    """Serve until SIGINT or SIGTERM; `announce` is told the port once requests can be sent.

    Raises:
        UsageError: the port is taken, the bill cannot be written, or the restorer needs truths that nobody named.
    """
    setup = plan.setup
    for behaviour in (setup.behaviour, setup.switch_to or setup.behaviour):
        check_restorer(behaviour, has_truths=plan.truths is not None)
    with tempfile.TemporaryDirectory(prefix="ggt-simulated-") as name, _listen(plan.port) as sock:
        folder = Path(name)
        if plan.truths is not None:
            truths = find_truths(plan.truths, plan.ingest, blobs=folder / "truths")
            setup = replace(setup, truths=truths)
        bill = Bill(plan.bill or folder / "bill.jsonl")
        desk = Desk(setup, bill, folder)
        try:
            with suppress(KeyboardInterrupt):  # uvicorn raises it again after it has ended
                announce(sock.getsockname()[1])
                _run(desk, sock)
        finally:
            desk.close()
            bill.close()


def _run(desk: Desk, sock: socket.socket) -> None:
    _allow_many_connections()
    cv2.setNumThreads(1)  # there is a thread for each core already
    config = uvicorn.Config(
        make_app(desk),
        http=Protocol,
        lifespan="off",
        log_config=None,
        log_level="error",
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )
    logging.getLogger("uvicorn.error").addFilter(_is_our_mistake)
    uvicorn.Server(config).run(sockets=[sock])


def _is_our_mistake(record: logging.LogRecord) -> bool:
    """Keep errors of ours in the log; connections that break and requests that end with the server are expected."""
    if not record.exc_info or record.exc_info[0] is None:
        return False
    return not issubclass(record.exc_info[0], (asyncio.CancelledError, ClientDisconnect))


def _listen(port: int) -> socket.socket:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((HOST, port))
    except OSError as error:
        sock.close()
        raise UsageError(
            f"port {port} cannot be used ({error.strerror}): name another, or 0 for a free one"
        ) from None
    sock.listen(_BACKLOG)
    return sock


def _allow_many_connections() -> None:
    """Raise the number of open files as far as is allowed: each waiting client has a socket."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
