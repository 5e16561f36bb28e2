"""ggt's own clients against the simulator: what a client takes a send to cost is what the bill says."""

import asyncio

import pytest

from ggt import plugins
from ggt.models import cost_usd, get_model
from ggt.providers import (
    Connection,
    EditRequest,
    InDoubtError,
    Provider,
    ProviderStopError,
    SendError,
    UnbilledError,
)
from ggt.simulator.behaviour import FAULTS

ALIASES = {"gemini": "nano_banana_2", "openai": "gpt_image_2"}


@pytest.fixture
def edit(server, png, tmp_path):
    """Send one edit by ggt's client of a wire; returns its reply or its error, and the model's row."""
    path = tmp_path / "lq.png"
    path.write_bytes(png)

    def ask(wire):
        row = get_model(ALIASES[wire], "mfm").model_copy(update={"timeout_s": 2.0})
        base = {"gemini": server.url, "openai": f"{server.url}/v1"}[wire]
        provider = plugins.load("providers", row.provider, Provider)

        async def send():
            async with provider.open(Connection(row, base, "simulated")) as client:
                try:
                    return await client.edit(EditRequest("Remove it.", path, 64, 64), "send-1")
                except SendError as error:
                    return error

        return asyncio.run(send()), row

    return ask


def cases():
    for wire in ALIASES:
        yield wire, None
        for name, fault in FAULTS.items():
            if fault.can_strike(wire, "image"):
                yield wire, name


@pytest.mark.parametrize(("wire", "fault"), list(cases()))
def test_the_clients_cost_is_the_bills(server, edit, wire, fault):
    if fault:
        server.behave(f"[faults]\n{fault} = 1.0")
    outcome, row = edit(wire)
    line = server.lines[-1]
    assert line["send"] == "send-1"
    assert line["fault"] == (fault or "")
    if isinstance(outcome, (UnbilledError, ProviderStopError)):
        assert line["usd"] == 0
    elif isinstance(outcome, InDoubtError):
        assert line["usd"] >= 0
    else:
        num_images = int(outcome.kind == "image")
        assert cost_usd(row, outcome.usage, num_images=num_images) == line["usd"]
        if line["usd"]:
            assert outcome.version.startswith("simulated-")
