"""Qwen-Image-Edit on Alibaba's Model Studio (DashScope), and Wan's editing models, whose tasks are asked for.

Read in November 2026: www.alibabacloud.com/help/en/model-studio/qwen-image-edit-api, docs.qwencloud.com/api-reference/
image-generation (wan26-image-gen-edit: create-task, query-result), the error codes at www.alibabacloud.com/help/en/
model-studio/developer-reference/error-code, and for the bill docs.qwencloud.com/resources/faq-images-videos (only
pictures that were made are billed, failed requests are not).
Qwen-Image-Edit knows no tasks: with the header X-DashScope-Async it answers 403, "current user api does not support
asynchronous calls" (github.com/alibaba/spring-ai-alibaba/issues/4509), so its one request waits for the picture and
brings an address, which is then fetched like a task's. A row whose model has tasks says so with the parameter
`"X-DashScope-Async" = "enable"`.
Not confirmed against the live interface: which ids take `seed` and `size` (a row's `takes_seed` and `accepts` say so),
and the codes IPInfringementSuspect and AccessDenied.Unpurchased. Qwen-Image-Edit cuts prompts at 800 characters.
Results and tasks are kept for 24 hours. Beijing's address is https://dashscope.aliyuncs.com, with keys of its own.
"""

import functools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import quote

from ggt.models import Parameter, Usage
from ggt.providers import (
    Client,
    Connection,
    EditRequest,
    InDoubtError,
    Pending,
    Provider,
    Reply,
    StopScope,
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
    no_image,
    open_line,
    png_base64,
    poll_error,
    post,
    read_json,
    refused,
    send_error,
    unreadable,
)

_KEY_VARIABLE = "DASHSCOPE_API_KEY"
_BASE_URL = "https://dashscope-intl.aliyuncs.com"
_WAITS = "/api/v1/services/aigc/multimodal-generation/generation"
_TASKS = "/api/v1/services/aigc/image-generation/generation"
_TASK_HEADER = "X-DashScope-Async"


class _Part(Wire):
    image: str | None = None
    text: str | None = None


class _Message(Wire):
    content: tuple[_Part, ...] = ()


class _Choice(Wire):
    finish_reason: str | None = None
    message: _Message | None = None


class _Output(Wire):
    task_id: str | None = None
    task_status: str | None = None
    choices: tuple[_Choice, ...] | None = None
    code: str | None = None
    message: str | None = None

    def parts(self) -> list[_Part]:
        """List what came back, in order."""
        messages = (choice.message for choice in self.choices or ())
        return [part for message in messages if message for part in message.content]

    def address(self) -> str | None:
        """Find where the picture lies."""
        return next((part.image for part in self.parts() if part.image), None)


class _Result(Wire):
    output: _Output | None = None
    request_id: str | None = None
    code: str | None = None
    message: str | None = None


def _read_error(body: bytes) -> Stated | None:
    result = read_json(_Result, body)
    if result is None or not result.code:
        return None
    return Stated(result.code, result.message or "", result.request_id or "")


_STOPS: dict[str, StopScope] = {
    "InvalidApiKey": "key",
    "Arrearage": "spend",
    "AllocationQuota.FreeTierOnly": "spend",
    "AccessDenied.Unpurchased": "account",
}
_DIALECT = Dialect(
    "DashScope",
    _read_error,
    refusals={"DataInspectionFailed": "prompt", "IPInfringementSuspect": "prompt"},
    limits={"Throttling": "minute"},
    stops=_STOPS,
    free_statuses=frozenset({500, 503}),
)


@asynccontextmanager
async def _open(connection: Connection) -> AsyncGenerator[Client, None]:
    """Open a client of Model Studio."""
    async with open_line(
        connection, _DIALECT, key_variable=_KEY_VARIABLE, base_url=_BASE_URL
    ) as line:
        yield Client(edit=functools.partial(_edit, line), poll=functools.partial(_poll, line))


async def _edit(line: Line, request: EditRequest, _send_id: str) -> Reply | Pending:
    """Make the paid request; the remote id says whether a task is to be asked for, or a picture to be fetched."""
    picture = await png_base64(request.image)
    mode = line.model.parameters.get(_TASK_HEADER)
    headers = _authorization(line) | ({} if mode is None else {_TASK_HEADER: str(mode)})
    answer = await post(
        line,
        _WAITS if mode is None else _TASKS,
        body=_body(line, request, f"data:image/png;base64,{picture}"),
        headers=headers,
    )
    result = read_json(_Result, answer.body) if answer.status == 200 else None
    if result is None and answer.status == 200:
        raise unreadable(line)
    if result is None or result.output is None:
        return _failed(line, failure_of(line, answer))
    if result.output.task_id:
        return Pending(f"task {result.output.task_id}")
    url = result.output.address()
    if url:
        return Pending(f"image {url} {result.request_id or ''}")
    return _without_picture(line, result.output, result.request_id or "")


def _body(line: Line, request: EditRequest, picture: str) -> dict[str, object]:
    """Fill in a request for one picture: Wan's models would make, and bill, several."""
    seed: dict[str, Parameter] = {} if request.seed is None else {"seed": request.seed}
    size: dict[str, Parameter] = (
        {"size": f"{request.width}*{request.height}"} if "size" in line.model.accepts else {}
    )
    own = {name: value for name, value in line.model.parameters.items() if name != _TASK_HEADER}
    content = [{"image": picture}, {"text": request.prompt}]
    return {
        "model": line.model.id,
        "input": {"messages": [{"role": "user", "content": content}]},
        "parameters": {"n": 1, "watermark": False} | size | seed | own,
    }


async def _poll(line: Line, remote_id: str) -> Reply | None:
    kind, _, rest = remote_id.partition(" ")
    if kind == "image":
        url, _, request_id = rest.partition(" ")
        return await _fetched(line, url, request_id=request_id)
    url = f"{line.base_url}/api/v1/tasks/{quote(rest, safe='')}"
    answer = await get(line, url, headers=_authorization(line))
    result = read_json(_Result, answer.body) if answer.status == 200 else None
    if result is None or result.output is None:
        raise poll_error(line, failure_of(line, answer))
    return await _concluded(line, result.output, result.request_id or "")


async def _concluded(line: Line, output: _Output, request_id: str) -> Reply | None:
    """Turn what a task came to into a reply; None while it is at work."""
    match output.task_status:
        case "SUCCEEDED":
            url = output.address()
            if url:
                return await _fetched(line, url, request_id=request_id)
            return _without_picture(line, output, request_id)
        case "FAILED" | "CANCELED":
            return _undone(line, output, request_id)
        case "UNKNOWN":
            raise InDoubtError("the result is lost: DashScope no longer knows the task")
        case _:
            return None


def _undone(line: Line, output: _Output, request_id: str) -> Reply:
    """Make the reply of a task that was not done, which is not billed."""
    failure = Failure(
        200,
        clean(line, output.code or output.task_status or ""),
        clean(line, output.message or ""),
        request_id=clean(line, request_id),
    )
    return _refused(line, failure) or no_image(
        line, code=failure.code, detail=failure.message, request_id=failure.request_id
    )


def _without_picture(line: Line, output: _Output, request_id: str) -> Reply:
    """Make the reply of a success that holds no picture; what the model wrote instead says why."""
    said = " ".join(part.text for part in output.parts() if part.text)
    reasons = [choice.finish_reason for choice in output.choices or () if choice.finish_reason]
    return no_image(
        line,
        code=clean(line, reasons[0]) if reasons else "",
        detail=clean(line, said) or "no picture in the answer",
        request_id=clean(line, request_id),
    )


async def _fetched(line: Line, url: str, *, request_id: str) -> Reply:
    return Reply(
        "image",
        await download(line, url),
        usage=Usage(num_images=1),
        version=line.model.id,
        request_id=clean(line, request_id),
    )


def _failed(line: Line, failure: Failure) -> Reply:
    reply = _refused(line, failure)
    if reply is None:
        raise send_error(line, failure)
    return reply


def _refused(line: Line, failure: Failure) -> Reply | None:
    """Recognise moderation; one code stands for both stages, and its sentence for which."""
    reply = refused(line, failure)
    words = failure.message.lower()
    if reply and "output" in words and "input" not in words:
        return replace(reply, at="output")
    return reply


def _authorization(line: Line) -> dict[str, str]:
    return {"Authorization": f"Bearer {line.key}"}


PLUGIN = Provider(
    open=_open,
    source="www.alibabacloud.com/help/en/model-studio/qwen-image-edit-api and docs.qwencloud.com, read in 2026-11",
    key_variable=_KEY_VARIABLE,
    base_url_variable="GGT_DASHSCOPE_BASE_URL",
)
