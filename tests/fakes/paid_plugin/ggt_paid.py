"""A provider of another package: the client of the fake paid server, found through its entry point."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from ggt.models import Usage
from ggt.providers import (
    Client,
    Connection,
    EditRequest,
    InDoubtError,
    Provider,
    ProviderStopError,
    RateLimitedError,
    Reply,
    UnbilledError,
)


@asynccontextmanager
async def connect(connection: Connection) -> AsyncGenerator[Client]:
    timeout = httpx.Timeout(connection.model.timeout_s)
    async with httpx.AsyncClient(timeout=timeout) as http:

        async def edit(request: EditRequest, send_id: str) -> Reply:
            body = await asyncio.to_thread(request.image.read_bytes)
            prompt = request.prompt.encode().hex()
            headers = {"X-Send-Id": send_id, "X-Prompt": prompt}
            try:
                reply = await http.post(os.environ["PAID_URL"], content=body, headers=headers)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                raise UnbilledError(f"not reached: {error}") from error
            except httpx.HTTPError as error:
                raise InDoubtError(f"no answer: {type(error).__name__}") from error
            return read(reply)

        yield Client(edit=edit)


def read(reply: httpx.Response) -> Reply:
    if reply.status_code == 429:
        delay_s = float(reply.headers.get("Retry-After", 0))
        raise RateLimitedError("429", scope="minute", delay_s=delay_s)
    if reply.status_code in (401, 403):
        raise ProviderStopError(f"the key was not accepted ({reply.status_code})", scope="key")
    if reply.status_code >= 400:
        raise InDoubtError(f"status {reply.status_code}")
    tokens = int(reply.headers["X-Tokens"])
    usage = Usage(image_tokens=tokens, num_images=1)
    if reply.headers["Content-Type"] != "image/png":
        return Reply(
            "refused", reply.content, usage, "paid-1", at="output", detail=reply.text[:100]
        )
    return Reply("image", reply.content, usage, "paid-1")


PLUGIN = Provider(open=connect, source="The fake paid server of ggt's own tests.")
