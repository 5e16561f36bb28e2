"""Black Forest Labs: FLUX.1 Kontext and FLUX.2, submitted, asked for, and fetched from a third host.

Read in November 2026: docs.bfl.ml/api-reference (the two Kontext endpoints, flux-2-pro, get-result) and
docs.bfl.ml/api_integration/errors; for the bill help.bfl.ai/articles/2916279050 (what was moderated is not charged) and
help.bfl.ai/articles/6747223579 (failed calls and results of status "Error" are not charged).
Not confirmed against the live interface: how long a task can be asked for, and the sides of FLUX.2, which were read
in docs.comfy.org's copy of its schema. A result's address holds for ten minutes. A status that is not described counts
as still at work.
"""

import functools
import json
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ggt.models import Parameter, Usage
from ggt.providers import (
    Client,
    Connection,
    EditRequest,
    InDoubtError,
    Pending,
    Provider,
    Reply,
    Stage,
)
from ggt.providers._http import (
    Dialect,
    Failure,
    Line,
    Stated,
    Wire,
    clean,
    download,
    failure_of,
    get,
    may_carry_key,
    no_image,
    open_line,
    png_base64,
    poll_error,
    post,
    read_json,
    refusal,
    send_error,
    unreadable,
)

_KEY_VARIABLE = "BFL_API_KEY"
_MODERATED: dict[str, Stage] = {"Request Moderated": "prompt", "Content Moderated": "output"}


class _Invalid(Wire):
    loc: tuple[str | int, ...] = ()
    msg: str = ""


class _Error(Wire):
    detail: str | tuple[_Invalid, ...]


class _Submitted(Wire):
    polling_url: str


class _Sample(Wire):
    sample: str | None = None


class _Task(Wire):
    id: str = ""
    status: str
    result: _Sample | None = None
    details: object = None


def _read_error(body: bytes) -> Stated | None:
    error = read_json(_Error, body)
    if error is None:
        return None
    if isinstance(error.detail, str):
        return Stated("", error.detail)
    parts = (f"{'.'.join(str(at) for at in part.loc)}: {part.msg}" for part in error.detail)
    return Stated("", "; ".join(parts))


_DIALECT = Dialect(
    "BFL",
    _read_error,
    domain="bfl.ai",
    free_statuses=frozenset({500, 503}),
)


@asynccontextmanager
async def _open(connection: Connection) -> AsyncGenerator[Client, None]:
    """Open a client of BFL."""
    async with open_line(
        connection, _DIALECT, key_variable=_KEY_VARIABLE, base_url="https://api.bfl.ai"
    ) as line:
        yield Client(edit=functools.partial(_edit, line), poll=functools.partial(_poll, line))


async def _edit(line: Line, request: EditRequest, _send_id: str) -> Pending:
    """Submit; the remote id is the address to ask at, because a region's tasks are known in that region only."""
    picture = await png_base64(request.image)
    answer = await post(
        line,
        f"/v1/{line.model.id}",
        body=_body(line, request, picture),
        headers={"x-key": line.key},
    )
    if answer.status != 200:
        raise send_error(line, failure_of(line, answer))
    submitted = read_json(_Submitted, answer.body)
    if submitted is None:
        raise unreadable(line)
    _check(line, submitted.polling_url)
    return Pending(submitted.polling_url)


def _body(line: Line, request: EditRequest, picture: str) -> dict[str, Parameter]:
    """Fill in a request: sides where the row accepts them, else the ratio; the row's parameters go last."""
    seed = {} if request.seed is None else {"seed": request.seed}
    return {
        "prompt": request.prompt,
        "input_image": picture,
        "output_format": "png",
        **_size(line, request),
        **seed,
        **line.model.parameters,
    }


def _size(line: Line, request: EditRequest) -> dict[str, Parameter]:
    if "width" in line.model.accepts:
        return {"width": request.width, "height": request.height}
    if "aspect_ratio" in line.model.accepts:
        divisor = math.gcd(request.width, request.height)
        return {"aspect_ratio": f"{request.width // divisor}:{request.height // divisor}"}
    return {}


async def _poll(line: Line, remote_id: str) -> Reply | None:
    _check(line, remote_id)
    answer = await get(line, remote_id, headers={"x-key": line.key})
    task = read_json(_Task, answer.body)
    # A task that is not found comes with status 404 and in the same form.
    if task is None:
        raise poll_error(line, failure_of(line, answer))
    if task.status == "Task not found":
        raise InDoubtError("the result is lost: BFL no longer knows the task")
    return await _concluded(line, task)


async def _concluded(line: Line, task: _Task) -> Reply | None:
    """Turn what a task came to into a reply; None while it is at work."""
    task_id = clean(line, task.id)
    if task.status in _MODERATED:
        failure = Failure(200, task.status, _details(line, task), request_id=task_id)
        return refusal(line, failure, at=_MODERATED[task.status])
    if task.status == "Error":
        return no_image(line, code=task.status, detail=_details(line, task), request_id=task_id)
    if task.status != "Ready":
        return None
    if task.result is None or not task.result.sample:
        return no_image(line, code=task.status, detail="no picture", request_id=task_id)
    return Reply(
        "image",
        await download(line, task.result.sample),
        usage=Usage(num_images=1),
        version=line.model.id,
        request_id=task_id,
    )


def _details(line: Line, task: _Task) -> str:
    return clean(line, json.dumps(task.details)) if task.details else ""


def _check(line: Line, url: str) -> None:
    """Refuse an address to ask at that is not BFL's: the key would go there.

    Raises:
        InDoubtError: it is another's; the task may be billed all the same.
    """
    if not may_carry_key(line, url):
        raise InDoubtError(
            f"BFL named {clean(line, url)!r} to ask for the result: neither base_url's host nor https under bfl.ai, "
            "so the key was not sent there"
        )


PLUGIN = Provider(
    open=_open,
    source="docs.bfl.ml/api-reference and docs.bfl.ml/api_integration/errors, read in 2026-11",
    key_variable=_KEY_VARIABLE,
    base_url_variable="GGT_BFL_BASE_URL",
)
