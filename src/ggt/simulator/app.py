"""The simulated provider's routes: both wires, its bill, its counts, and a change of behaviour."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from starlette.applications import Starlette
from starlette.datastructures import Headers, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from ggt.errors import UsageError
from ggt.simulator import gemini_wire, openai_wire
from ggt.simulator.behaviour import changed
from ggt.simulator.desk import Arrival, Desk, Outcome, Taken
from ggt.simulator.openai_wire import Form
from ggt.simulator.wire import Asked, BadRequestError, HttpReply, Picture, Wire

ABORT = "ggt.abort"
"""Where serve.py leaves, in a request's scope, the function that resets its connection."""
WELCOME = """This is the simulated provider of ggt.
No generative model answers here, nothing costs money, and nothing that comes back is ground truth.
See /simulator/bill and /simulator/requests.
"""
_GENERATE = ":generateContent"

Read = Callable[[Callable[[bytes], Picture]], Asked]
"""Parses a body that was received; pictures go to the function that it is given."""
Receiver = Callable[[Request], Awaitable[Read]]


@dataclass(frozen=True, slots=True)
class ModelRoute:
    """An ASGI app for one kind of request; `receive` takes the whole body and returns what parses it."""

    desk: Desk
    wire: Wire
    receiver: Receiver

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; the bill's line is written before the first byte of the reply."""
        desk, arrival = self.desk, self.desk.arrive(self.wire, Headers(scope=scope))
        try:
            async with desk.reading:
                taken, input_sha = await self._take_in(arrival, scope, receive)
            outcome = await desk.answer(arrival, taken)
            desk.charge(arrival, outcome, taken, input_sha=input_sha, model=_model_in_path(scope))
            await _finish(outcome, f"req_{arrival.number:08d}", scope, receive, send)
        finally:
            desk.leave(arrival)

    async def _take_in(self, arrival: Arrival, scope: Scope, receive: Receive) -> tuple[Taken, str]:
        """Read the body and return what is asked, and the body's sha256; nothing keeps the body itself."""
        digest = hashlib.sha256()

        async def hashed() -> Message:
            message = await receive()
            digest.update(message.get("body", b""))
            return message

        read = await self.receiver(Request(scope, hashed))
        taken = None if arrival.trouble else await self.desk.take_in(arrival, read)
        return taken, digest.hexdigest()


def make_app(desk: Desk) -> Starlette:
    """Put the routes together."""

    async def welcome(_: Request) -> Response:
        return PlainTextResponse(WELCOME)

    async def bill(_: Request) -> Response:
        return JSONResponse(desk.bill.totals())

    async def requests(_: Request) -> Response:
        return JSONResponse(desk.arrivals())

    async def behaviour(request: Request) -> Response:
        if request.method == "POST":
            try:
                desk.take_over(changed(desk.behaviour, (await request.body()).decode()))
            except (UsageError, UnicodeDecodeError) as error:
                return JSONResponse({"error": str(error)}, status_code=400)
        return JSONResponse(desk.behaviour.model_dump())

    async def models(_: Request) -> Response:
        return _response(openai_wire.list_models())

    gemini, openai = gemini_wire.WIRE, openai_wire.WIRE
    return Starlette(
        routes=[
            Route("/", welcome),
            Route("/simulator/bill", bill),
            Route("/simulator/requests", requests),
            Route("/simulator/behaviour", behaviour, methods=["GET", "POST"]),
            Route("/v1/models", models),
            Route("/v1/images/edits", ModelRoute(desk, openai, _receive_form), methods=["POST"]),
            Route(
                "/v1/chat/completions", ModelRoute(desk, openai, _receive_chat), methods=["POST"]
            ),
            Route(
                "/{version}/models/{call:path}",
                ModelRoute(desk, gemini, _receive_gemini),
                methods=["POST"],
            ),
        ],
    )


async def _receive_gemini(request: Request) -> Read:
    body = await request.body()
    call, version = str(request.path_params["call"]), str(request.path_params["version"])
    if not call.endswith(_GENERATE) or version not in ("v1", "v1beta"):
        return partial(_no_such_method, call)
    model = call.removesuffix(_GENERATE)
    return lambda keep: gemini_wire.take_in(body, model, keep)


def _no_such_method(call: str, _: Callable[[bytes], Picture]) -> Asked:
    raise BadRequestError(f"The simulated provider has no method {call!r}: it has {_GENERATE}.")


async def _receive_chat(request: Request) -> Read:
    body = await request.body()
    return lambda keep: openai_wire.take_in_chat(body, keep)


async def _receive_form(request: Request) -> Read:
    try:
        async with request.form(max_fields=100) as sent:
            fields = {name: value for name, value in sent.items() if isinstance(value, str)}
            files = [
                await value.read()
                for name, value in sent.multi_items()
                if isinstance(value, UploadFile) and name in ("image", "image[]")
            ]
    except HTTPException as error:
        detail = error.detail
        return lambda _: _malformed(detail)
    form = Form(fields, tuple(files))
    return lambda keep: openai_wire.take_in_edit(form, keep)


def _malformed(detail: str) -> Asked:
    raise BadRequestError(f"The form cannot be read: {detail}")


def _model_in_path(scope: Scope) -> str:
    return str(scope["path_params"].get("call", "")).removesuffix(_GENERATE)


async def _finish(
    outcome: Outcome, request_id: str, scope: Scope, receive: Receive, send: Send
) -> None:
    if outcome.fault == "connection_reset":
        await cast(Callable[[], Awaitable[None]], scope[ABORT])()
    elif outcome.fault == "timeout":
        await _say_nothing(receive)
    elif outcome.fault == "cut_body":
        await _send_half(_response(outcome.reply, request_id), send)
    else:
        await _response(outcome.reply, request_id)(scope, receive, send)


def _response(reply: HttpReply, request_id: str = "") -> Response:
    headers = dict(reply.headers)
    if request_id:
        headers["x-request-id"] = request_id
    return Response(reply.body, reply.status, headers, reply.media_type)


async def _say_nothing(receive: Receive) -> None:
    """Wait until the client has lost its patience."""
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)


async def _send_half(response: Response, send: Send) -> None:
    """Promise a whole body and send half of it; uvicorn closes the connection when no more comes."""
    start: Message = {
        "type": "http.response.start",
        "status": response.status_code,
        "headers": response.raw_headers,
    }
    body = bytes(response.body)
    await send(start)
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
