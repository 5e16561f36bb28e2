"""OpenAI's wire (images/edits, chat/completions) through its SDK: OpenAI, vLLM-Omni, SGLang-Diffusion, gateways.

A row's parameters are sent as they are, as fields of the body, so that servers with fields of their own (seed,
num_inference_steps, true_cfg_scale, ...) are reached as well as OpenAI's (quality, background, ...). A row with
`key_variable = ""` is a server without keys.

A picture must come back as `b64_json`. A reply with an address alone is `no_image` with the code `url_only`: to fetch
it would be a second request. OpenAI's models always send base64; other servers are asked for it by
`response_format = "b64_json"` in the row's parameters.
"""

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from pydantic import ValidationError

from ggt.models import Parameter
from ggt.providers import (
    AnswerRequest,
    Client,
    Connection,
    EditRequest,
    InDoubtError,
    InvalidRequestError,
    Provider,
    Reply,
)
from ggt.providers._keys import key_of
from ggt.providers._openai_replies import Chat, Images, failure, picture, refusal, text
from ggt.providers._wire import (
    REQUEST_ID_HEADER,
    WireModel,
    address_of,
    http_client,
    no_answer,
    read_png,
    transport_errors,
    transport_failure,
)

if TYPE_CHECKING:
    import httpx2
    import openai
    from openai.types.chat import ChatCompletionContentPartParam

_KEY_VARIABLE = "OPENAI_API_KEY"
_OWN_ADDRESS = "https://api.openai.com/v1"

BodyT = TypeVar("BodyT", bound=WireModel)


class _Raw(Protocol):
    """What the SDK returns when it is told not to read a reply."""

    @property
    def http_response(self) -> "httpx2.Response": ...


@asynccontextmanager
async def open_client(connection: Connection) -> AsyncGenerator[Client]:
    """Open a client; the SDK's own retries are off."""
    import openai

    model = connection.model
    key = key_of(connection, _KEY_VARIABLE)
    async with (
        http_client(model.timeout_s, base_url=connection.base_url) as http,
        openai.AsyncOpenAI(
            api_key=key,
            base_url=address_of(connection, _OWN_ADDRESS),
            timeout=model.timeout_s,
            max_retries=0,
            http_client=http,
        ) as sdk,
    ):
        yield Client(edit=partial(_edit, sdk, connection), answer=partial(_answer, sdk, connection))


async def _edit(
    sdk: "openai.AsyncOpenAI", connection: Connection, request: EditRequest, send_id: str
) -> Reply:
    """Send one picture and one instruction; the picture is read while it is sent, and never lies in memory whole."""
    model = connection.model
    fields: dict[str, Parameter] = {} if request.seed is None else {"seed": request.seed}
    try:
        file = await asyncio.to_thread(request.image.open, "rb")
    except OSError as error:
        raise InvalidRequestError(f"cannot read the picture to send: {error}") from None
    with file:
        sent = sdk.images.with_raw_response.edit(
            image=("lq.png", file, "image/png"),
            prompt=request.prompt,
            model=model.id,
            n=1,
            size=f"{request.width}x{request.height}",
            extra_headers={REQUEST_ID_HEADER: send_id},
            extra_body=fields | model.parameters,
        )
        replied = await _once(sent, connection)
    if isinstance(replied, Reply):
        return replied
    return picture(_read(replied, Images), model, request_id=_id_of(replied.headers))


async def _answer(
    sdk: "openai.AsyncOpenAI", connection: Connection, request: AnswerRequest, send_id: str
) -> Reply:
    """Send texts and pictures in their order, with the schema of the answer."""
    model = connection.model
    content: list[ChatCompletionContentPartParam] = []
    for item in request.content:
        if isinstance(item, str):
            content.append({"type": "text", "text": item})
        else:
            png = base64.b64encode(await asyncio.to_thread(read_png, item)).decode()
            url = f"data:image/png;base64,{png}"
            # Faults lie in the fine texture that a server's downscaling takes away.
            content.append({"type": "image_url", "image_url": {"url": url, "detail": "high"}})
    fields: dict[str, Parameter] = {}
    if "temperature" in model.accepts:
        fields["temperature"] = request.temperature
    sent = sdk.chat.completions.with_raw_response.create(
        model=model.id,
        messages=[{"role": "user", "content": content}],
        response_format={
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": dict(request.schema), "strict": True},
        },
        max_completion_tokens=model.max_output_tokens,
        extra_headers={REQUEST_ID_HEADER: send_id},
        extra_body=fields | model.parameters,
    )
    replied = await _once(sent, connection)
    if isinstance(replied, Reply):
        return replied
    return text(_read(replied, Chat), model, request_id=_id_of(replied.headers))


async def _once(sent: "Awaitable[_Raw]", connection: Connection) -> "httpx2.Response | Reply":
    """Wait for the one request; a refusal, which this wire states as an error, is an outcome."""
    import openai

    timeout_s, key = connection.model.timeout_s, connection.key
    try:
        async with asyncio.timeout(timeout_s):
            return (await sent).http_response
    except openai.APIStatusError as error:
        headers, body = error.response.headers, error.body
        refused = refusal(error.status_code, body, connection.model, request_id=_id_of(headers))
        if refused is not None:
            return refused
        raise failure(error.status_code, body, headers, key) from None
    except openai.APIConnectionError as error:
        raise transport_failure(error.__cause__, key) from None
    except TimeoutError:
        raise no_answer(timeout_s) from None
    except transport_errors() as error:
        raise transport_failure(error, key) from None


def _read(replied: "httpx2.Response", form: type[BodyT]) -> BodyT:
    try:
        return form.model_validate_json(replied.content)
    except ValidationError as error:
        raise InDoubtError(f"the reply is not OpenAI's: {error.errors()[0]['msg']}") from None


def _id_of(headers: Mapping[str, str]) -> str:
    return headers.get("x-request-id", "")


PLUGIN = Provider(
    open=open_client,
    source="https://platform.openai.com/docs/api-reference/images/createEdit",
    key_variable=_KEY_VARIABLE,
    base_url_variable="OPENAI_BASE_URL",
    packages=("openai",),
    extra="openai",
)
