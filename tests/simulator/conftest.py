"""One cheap server for all tests of the wires, the vendors' own SDKs pointed at it, and a small picture."""

import pytest

from ggt.images import encode_png
from simulated_provider import simulated_provider
from simulator_samples import sample

PATIENCE_S = 20


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    with simulated_provider(tmp_path_factory.mktemp("simulated"), "--echo") as server:
        yield server


@pytest.fixture
def server(shared):
    """The shared server, behaving plainly at first."""
    assert shared.behave(PLAIN).status_code == 200
    return shared


PLAIN = (
    'restorer = "echo"\nrelease = ""\ndelay_s = [0, 0]\nretry_after_s = 1.5\n[planted]\n[faults]\n'
)


@pytest.fixture(scope="session")
def picture():
    return sample(64)


@pytest.fixture(scope="session")
def png(picture):
    return encode_png(picture)


@pytest.fixture
def gemini(server):
    from google import genai
    from google.genai import types

    options = types.HttpOptions(
        base_url=server.url, api_version="v1beta", timeout=PATIENCE_S * 1000
    )
    with genai.Client(api_key="simulated", http_options=options) as client:
        yield client


@pytest.fixture
def openai(server):
    import openai

    with openai.OpenAI(
        api_key="simulated", base_url=f"{server.url}/v1", max_retries=0, timeout=PATIENCE_S
    ) as client:
        yield client


@pytest.fixture
def edit_by_gemini(gemini, png):
    """Ask Gemini's SDK for one picture."""
    from google.genai import types

    def ask(prompt="Remove the noise.", model="gemini-3.1-flash-image", data=png, patience_s=None):
        part = types.Part.from_bytes(data=data, mime_type="image/png")
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(aspect_ratio="1:1"),
            http_options=types.HttpOptions(timeout=1000 * (patience_s or PATIENCE_S)),
        )
        return gemini.models.generate_content(model=model, contents=[part, prompt], config=config)

    return ask


@pytest.fixture
def edit_by_openai(openai, png):
    """Ask OpenAI's SDK for one picture."""

    def ask(prompt="Remove the noise.", model="gpt-image-2-2026-04-21", data=png, **more):
        image = ("lq.png", data, "image/png")
        return openai.images.edit(model=model, image=image, prompt=prompt, **more)

    return ask
