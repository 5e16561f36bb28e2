"""Seedream on BytePlus ModelArk, or on Volcano Ark: one synchronous request, the picture in its answer.

Read in November 2026: the vendor's own clients for fields, headers and addresses (byteplus-python-sdk-v2 3.0.63 and
github.com/volcengine/volcengine-python-sdk, volcenginesdkarkruntime), and docs.byteplus.com/en/docs/ModelArk/1299023
for error codes. The page of the interface itself, .../ModelArk/1541523, could not be read.
Not confirmed against the live interface: whether a 5xx is free, so it is in doubt; which ids heed `seed` (a row says so
in `takes_seed`) and guidance_scale. Ids differ: `seedream-...` on BytePlus, `doubao-seedream-...` on Volcano, whose
base_url is https://ark.cn-beijing.volces.com/api/v3; a key is good for one of the two. Users report that 4.5 and
5.0 lite refuse less than 3.7 megapixels: rows of those would name a `size` such as "2K".
"""

import functools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace

from ggt.models import Parameter, Usage
from ggt.providers import Client, Connection, EditRequest, Provider, Reply, Stage, StopScope
from ggt.providers._http import (
    Answer,
    Dialect,
    Failure,
    Line,
    Stated,
    Wire,
    clean,
    failure_of,
    no_image,
    open_line,
    png_base64,
    post,
    read_json,
    refused,
    send_error,
    unreadable,
)
from ggt.providers._wire import REQUEST_ID_HEADER, from_base64

_KEY_VARIABLE = "ARK_API_KEY"
_BASE_URL = "https://ark.ap-southeast.bytepluses.com/api/v3"


class _Error(Wire):
    code: str | int | None = None
    message: str | None = None


class _Image(Wire):
    b64_json: str | None = None
    error: _Error | None = None


class _Usage(Wire):
    generated_images: int | None = None


class _Result(Wire):
    model: str | None = None
    data: tuple[_Image, ...] | None = None
    usage: _Usage | None = None
    error: _Error | None = None

    def stated_error(self) -> _Error | None:
        """Find what went wrong: errors come in an answer of status 200 too, of the whole or of one picture."""
        return self.error or next((image.error for image in self.data or () if image.error), None)


def _read_error(body: bytes) -> Stated | None:
    result = read_json(_Result, body)
    error = result.stated_error() if result else None
    return Stated(str(error.code or ""), error.message or "") if error else None


_REFUSALS: dict[str, Stage] = {
    "SensitiveContentDetected": "prompt",
    "InputTextSensitiveContentDetected": "prompt",
    "InputImageSensitiveContentDetected": "prompt",
    "InputTextRiskDetection": "prompt",
    "InputImageRiskDetection": "prompt",
    "OutputImageSensitiveContentDetected": "output",
    "OutputImageRiskDetection": "output",
}
_STOPS: dict[str, StopScope] = {
    "AuthenticationError": "key",
    "AccountOverdueError": "spend",
    "SetLimitExceeded": "spend",
    "ModelNotOpen": "account",
}
_DIALECT = Dialect(
    "Seedream",
    _read_error,
    refusals=_REFUSALS,
    limits={"ServerOverloaded": "capacity"},
    stops=_STOPS,
)


@asynccontextmanager
async def _open(connection: Connection) -> AsyncGenerator[Client, None]:
    """Open a client of ModelArk."""
    async with open_line(
        connection, _DIALECT, key_variable=_KEY_VARIABLE, base_url=_BASE_URL
    ) as line:
        yield Client(edit=functools.partial(_edit, line))


async def _edit(line: Line, request: EditRequest, send_id: str) -> Reply:
    picture = await png_base64(request.image)
    answer = await post(
        line,
        "/images/generations",
        body=_body(line, request, f"data:image/png;base64,{picture}"),
        headers={"Authorization": f"Bearer {line.key}", REQUEST_ID_HEADER: send_id},
    )
    result = read_json(_Result, answer.body) if answer.status == 200 else None
    if result is None and answer.status == 200:
        raise unreadable(line)
    if result is None or result.stated_error():
        return _failed(line, failure_of(line, answer))
    return _reply(line, result, answer)


def _body(line: Line, request: EditRequest, picture: str) -> dict[str, Parameter]:
    """Fill in a request; the row's parameters go last, so that a row can ask for another size or format."""
    seed = {} if request.seed is None else {"seed": request.seed}
    return {
        "model": line.model.id,
        "prompt": request.prompt,
        "image": picture,
        "size": f"{request.width}x{request.height}",
        "response_format": "b64_json",
        "sequential_image_generation": "disabled",
        "watermark": False,
        **seed,
        **line.model.parameters,
    }


def _failed(line: Line, failure: Failure) -> Reply:
    reply = refused(line, failure)
    if reply:
        return reply
    if failure.status == 200 and failure.code.startswith(("InvalidParameter", "MissingParameter")):
        raise send_error(line, Failure(400, failure.code, failure.message))
    raise send_error(line, failure)


def _reply(line: Line, result: _Result, answer: Answer) -> Reply:
    encoded = next((image.b64_json for image in result.data or () if image.b64_json), None)
    picture = from_base64(encoded) if encoded else b""
    request_id = clean(line, answer.headers.get("x-request-id", ""))
    num_images = result.usage.generated_images if result.usage else None
    if not picture:
        found = no_image(line, code="", detail="no picture in the answer", request_id=request_id)
        return replace(found, usage=Usage(num_images=num_images or 0))
    return Reply(
        "image",
        picture,
        usage=Usage(num_images=1 if num_images is None else num_images),
        version=clean(line, result.model or line.model.id),
        request_id=request_id,
    )


PLUGIN = Provider(
    open=_open,
    source="byteplus-python-sdk-v2 3.0.63 and docs.byteplus.com/en/docs/ModelArk/1299023, read in 2026-11",
    key_variable=_KEY_VARIABLE,
    base_url_variable="GGT_SEEDREAM_BASE_URL",
)
