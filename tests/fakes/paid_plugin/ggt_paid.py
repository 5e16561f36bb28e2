"""A restorer of another package: the client of the fake paid server, found through its entry point."""

import asyncio
import os

import httpx

from ggt.images import decode_image
from ggt.providers import InDoubtError, ProviderStopError, UnbilledError
from ggt.restorers import RemoteRestorer, RemoteTask, Reply


async def submit(task: RemoteTask, send_id: str) -> Reply:
    body = await asyncio.to_thread(task.lq.read_bytes)
    headers = {"X-Send-Id": send_id, "X-Attempt": str(task.attempt)}
    try:
        async with httpx.AsyncClient(
            timeout=float(os.environ.get("PAID_TIMEOUT_S", "10"))
        ) as client:
            reply = await client.post(os.environ["PAID_URL"], content=body, headers=headers)
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise UnbilledError(f"not reached: {error}") from error
    except httpx.HTTPError as error:
        raise InDoubtError(f"no answer: {type(error).__name__}") from error
    return read(reply)


def read(reply: httpx.Response) -> Reply:
    if reply.status_code == 429:
        raise UnbilledError("429", delay_s=float(reply.headers.get("Retry-After", 0)))
    if reply.status_code in (401, 403):
        raise ProviderStopError(f"the key was not accepted ({reply.status_code})")
    if reply.status_code >= 400:
        raise InDoubtError(f"status {reply.status_code}")
    cost = float(reply.headers["X-Cost-Usd"])
    if reply.headers["Content-Type"] != "image/png":
        return Reply("refused", reply.content, cost, "paid-1", detail=reply.text[:100])
    return Reply("image", reply.content, cost, "paid-1")


PLUGIN = RemoteRestorer(
    submit=submit,
    read_image=lambda data: decode_image(data).image,
    model="paid-1",
    worst_case_usd=0.05,
    source="The fake paid server of ggt's own tests.",
)
