"""Asking a provider over real HTTP: one question to a vendor that a test scripts, and everything that was sent."""

import asyncio
from pathlib import Path

import certifi

from ggt.providers import AnswerRequest, Connection, EditRequest, SendError
from providers.vendor_server import vendor

KEY = "sk-key-of-the-tests-0123456789"
PICTURE = b"\xff\xd8\xff what a model made, whatever its type says"
_END = "-----END CERTIFICATE-----\n"
SCHEMA = {
    "type": "object",
    "properties": {"level": {"type": "integer"}},
    "required": ["level"],
    "additionalProperties": False,
}


def few_certificates(folder):
    """Write a file with one certificate: to read all of them for each client would be most of these tests' time."""
    whole = Path(certifi.where()).read_text(encoding="utf-8")
    first = folder / "one.pem"
    first.write_text(whole[whole.index("-----BEGIN") :].partition("-----END")[0] + _END)
    return str(first)


def ask_at(url, provider, model, request, *, key=KEY):
    """Ask once at an address; a failure is returned, not raised. None without a request, or where none is taken."""

    async def run():
        async with provider.open(Connection(model, url, key)) as client:
            ask = client.edit if isinstance(request, EditRequest) else client.answer
            if request is None or ask is None:
                return None
            try:
                return await ask(request, "send-1")
            except SendError as error:
                return error

    return asyncio.run(run())


def ask(provider, model, request, answer, *, path=""):
    """Ask a vendor that gives this answer: what came of it, and the requests that arrived there."""
    with vendor(answer) as server:
        outcome = ask_at(server.url + path, provider, model, request)
    return outcome, server.sent


def careless(sent):
    """Say back all headers and the body, whatever its bytes, as careless servers do in their errors."""
    headers = " ".join(f"{name}: {value}" for name, value in sent.headers.items())
    return f"{headers} {sent.body.decode('latin-1')}"


def edit_request(folder, *, png=b"\x89PNG the photo", width=1024, height=1024, seed=None):
    """Ask for a picture; the file is on disk."""
    image = folder / "lq.png"
    image.write_bytes(png)
    return EditRequest("Restore this photo.", image, width=width, height=height, seed=seed)


def answer_request(folder):
    """Ask for a level, with two pictures between two texts."""
    lq, candidate = folder / "a.png", folder / "b.png"
    lq.write_bytes(b"\x89PNG one")
    candidate.write_bytes(b"\x89PNG two")
    return AnswerRequest(("Image A:", lq, "Image B:", candidate), SCHEMA, temperature=0.5)
