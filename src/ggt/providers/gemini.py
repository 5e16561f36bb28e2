"""The Gemini API (generateContent) through google-genai: mfms that return a picture, vlms that answer in JSON.

Parameters of a row that are sent: `image_size` (pictures only; 1K where the row has none), `temperature`, `top_p`,
`top_k`, `media_resolution`, `service_tier`, `thinking_level`, `thinking_budget`. Replies are read from the raw body,
since the SDK's own types change with each release and warn of every word that they do not know.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pydantic import ValidationError

from ggt.models import Model
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
from ggt.providers._gemini_replies import Answered, failure, picture, text
from ggt.providers._keys import key_of
from ggt.providers._wire import (
    REQUEST_ID_HEADER,
    address_of,
    http_client,
    no_answer,
    read_png,
    transport_errors,
    transport_failure,
)

if TYPE_CHECKING:
    from google import genai
    from google.genai import types

_KEY_VARIABLE = "GEMINI_API_KEY"
_OWN_ADDRESS = "https://generativelanguage.googleapis.com"
_PLAIN = frozenset({"temperature", "top_p", "top_k", "media_resolution", "service_tier"})
_THINKING = frozenset({"thinking_level", "thinking_budget"})
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
_RATIO_TOLERANCE = 0.01


@asynccontextmanager
async def open_client(connection: Connection) -> AsyncGenerator[Client]:
    """Open a client; the API version is always stated, since the SDK's default has changed under its users."""
    from google import genai
    from google.genai import types

    model = connection.model
    key = key_of(connection, _KEY_VARIABLE)
    async with http_client(model.timeout_s, base_url=connection.base_url) as http:
        sdk = genai.Client(
            api_key=key,
            vertexai=False,
            http_options=types.HttpOptions(
                api_version=model.api_version or "v1",
                base_url=address_of(connection, _OWN_ADDRESS),
                timeout=math.ceil(model.timeout_s * 1000),
                httpx_async_client=http,
            ),
        )
        try:
            yield Client(
                edit=partial(_edit, sdk, connection), answer=partial(_answer, sdk, connection)
            )
        finally:
            await sdk.aio.aclose()
            sdk.close()


async def _edit(
    sdk: "genai.Client", connection: Connection, request: EditRequest, send_id: str
) -> Reply:
    """Send one picture and one instruction."""
    model = connection.model
    config = _config(
        model,
        send_id,
        {
            "response_modalities": ["IMAGE"],
            "image_config": {
                "aspect_ratio": _ratio(request.width, request.height),
                "image_size": model.parameters.get("image_size", "1K"),
            },
            "seed": request.seed,
        },
    )
    answer = await _send(sdk, connection, (request.image, request.prompt), config)
    return picture(answer, model)


async def _answer(
    sdk: "genai.Client", connection: Connection, request: AnswerRequest, send_id: str
) -> Reply:
    """Send texts and pictures in their order, with the schema of the answer."""
    config = _config(
        connection.model,
        send_id,
        {
            "response_mime_type": "application/json",
            "response_json_schema": dict(request.schema),
            "temperature": request.temperature,
        },
    )
    answer = await _send(sdk, connection, request.content, config)
    return text(answer, connection.model)


def _config(model: Model, send_id: str, own: Mapping[str, object]) -> "types.GenerateContentConfig":
    """Lay the row's parameters over the request's own; what the SDK would reject is rejected before sending."""
    from google.genai import types

    unknown = sorted(set(model.parameters) - _PLAIN - _THINKING - {"image_size"})
    if unknown:
        raise InvalidRequestError(f"the wire `gemini` has no parameter {unknown[0]!r}")
    thinking = {name: value for name, value in model.parameters.items() if name in _THINKING}
    try:
        return types.GenerateContentConfig.model_validate(
            {
                **own,
                **{name: value for name, value in model.parameters.items() if name in _PLAIN},
                "thinking_config": thinking or None,
                "max_output_tokens": model.max_output_tokens,
                # The SDK would ask again, and pay again, where a model stops at a token limit of its own.
                "automatic_continuation": False,
                "should_return_http_response": True,
                "http_options": {"headers": {REQUEST_ID_HEADER: send_id}},
            }
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InvalidRequestError(f"{where} = {first['input']!r}: {first['msg']}") from None


def _ratio(width: int, height: int) -> str:
    """Name the aspect ratio that the wire has for a size; without one a model chooses its own and re-frames.

    Raises:
        InvalidRequestError: none is within 1 %.
    """

    def distance(ratio: str) -> float:
        across, down = ratio.split(":")
        return abs(math.log(width / height * int(down) / int(across)))

    nearest = min(_RATIOS, key=distance)
    if distance(nearest) > math.log(1 + _RATIO_TOLERANCE):
        raise InvalidRequestError(
            f"{width}x{height} has none of the aspect ratios that Gemini returns "
            f"({', '.join(_RATIOS)}): the picture would come back re-framed"
        )
    return nearest


async def _send(
    sdk: "genai.Client",
    connection: Connection,
    content: tuple[str | Path, ...],
    config: "types.GenerateContentConfig",
) -> Answered:
    """Make the one request."""
    import httpx2
    from google.genai import errors, types

    parts = [
        types.Part.from_text(text=item)
        if isinstance(item, str)
        else types.Part.from_bytes(
            data=await asyncio.to_thread(read_png, item), mime_type="image/png"
        )
        for item in content
    ]
    model, key = connection.model, connection.key
    try:
        async with asyncio.timeout(model.timeout_s):
            response = await sdk.aio.models.generate_content(
                model=model.id, contents=types.Content(role="user", parts=parts), config=config
            )
    except errors.APIError as error:
        body = cast(object, error.details)  # pyright: ignore[reportUnknownMemberType] - untyped in the SDK
        headers = cast(httpx2.Response, error.response).headers  # pyright: ignore[reportUnknownMemberType] - of five clients
        raise failure(error.code, body, headers, key) from None
    except TimeoutError:
        raise no_answer(model.timeout_s) from None
    except transport_errors() as error:
        raise transport_failure(error, key) from None
    except ValueError as error:
        raise InDoubtError(
            f"an error came back that cannot be read: {type(error).__name__}"
        ) from None
    body = (response.sdk_http_response and response.sdk_http_response.body) or ""
    try:
        return Answered.model_validate_json(body)
    except ValidationError as error:
        raise InDoubtError(f"the reply is not Gemini's: {error.errors()[0]['msg']}") from None


PLUGIN = Provider(
    open=open_client,
    source="https://ai.google.dev/api/generate-content",
    key_variable=_KEY_VARIABLE,
    base_url_variable="GOOGLE_GEMINI_BASE_URL",
    packages=("google.genai",),
    extra="gemini",
)
