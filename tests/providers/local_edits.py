"""Questions to the diffusers provider, as tests ask them."""

import asyncio

import numpy as np

from ggt.images import decode_image, encode_png
from ggt.providers import Connection, EditRequest
from ggt.providers.diffusers import PLUGIN
from model_rows import row

PROMPT = "Remove the rain. Change nothing else."


def local(folder, **parameters):
    """A row whose weights lie in a folder."""
    parameters = {"num_inference_steps": 2} | parameters
    return row(
        provider="diffusers",
        id=str(folder),
        open_weights=True,
        takes_seed=True,
        parameters=parameters,
        accepts=tuple(parameters),
    )


def asked(folder, *, width=64, height=48, prompt=PROMPT, seed=7):
    """A request about a picture of noise; the same each time."""
    path = folder / f"{width}x{height}.png"
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.write_bytes(encode_png(noise))
    return EditRequest(prompt, path, width, height, seed)


def edit(model, *requests):
    """Ask one client, one request after the other."""

    async def run():
        async with PLUGIN.open(Connection(model, None, None)) as client:
            return [await client.edit(request, "send") for request in requests]

    replies = asyncio.run(run())
    return replies[0] if len(replies) == 1 else replies


def pixels(reply):
    return decode_image(reply.body).image
