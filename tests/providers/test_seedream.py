"""Seedream over a server that plays ModelArk: what is asked, and what each answer becomes."""

import asyncio
import base64

import pytest

from ggt.models import Usage
from ggt.providers import (
    Connection,
    EditRequest,
    InDoubtError,
    InvalidRequestError,
    ProviderStopError,
    RateLimitedError,
    UnbilledError,
)
from ggt.providers.seedream import PLUGIN
from model_rows import row
from providers.vendor_server import Answer, closed_port, echo, vendor

KEY = "ark-key-of-the-tests-0123456789"
PICTURE = b"\x89PNG what the model made"
INPUT = b"\x89PNG the photo"
MADE = {
    "model": "seedream-4-0-250828",
    "created": 1700000000,
    "data": [{"b64_json": base64.b64encode(PICTURE).decode(), "size": "1024x768"}],
    "usage": {"generated_images": 1, "output_tokens": 4096, "total_tokens": 4096},
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def request_(tmp_path):
    image = tmp_path / "lq.png"
    image.write_bytes(INPUT)
    return EditRequest("remove the rain", image, width=1024, height=768, seed=7)


def edit(base_url, request, **changes):
    async def run():
        model = row(provider="seedream", id="seedream-4-0", key_variable=None, **changes)
        async with PLUGIN.open(Connection(model, base_url, KEY)) as client:
            assert client.poll is None
            assert client.answer is None
            return await client.edit(request, "send-1")

    return asyncio.run(run())


def failed(code, message="no", **options):
    return Answer({"error": {"code": code, "message": message}}, **options)


def test_one_request_asks_for_one_picture_without_a_watermark(request_):
    with vendor(Answer(MADE)) as server:
        edit(server.url, request_)
    (sent,) = server.sent
    assert (sent.method, sent.path) == ("POST", "/images/generations")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-client-request-id"] == "send-1"
    assert sent.json() == {
        "model": "seedream-4-0",
        "prompt": "remove the rain",
        "image": f"data:image/png;base64,{base64.b64encode(INPUT).decode()}",
        "size": "1024x768",
        "seed": 7,
        "response_format": "b64_json",
        "sequential_image_generation": "disabled",
        "watermark": False,
    }


def test_a_rows_parameters_replace_ours(request_):
    parameters = {"size": "2K", "output_format": "png", "watermark": True}
    with vendor(Answer(MADE)) as server:
        edit(server.url, request_, parameters=parameters, accepts=tuple(parameters))
    body = server.sent[0].json()
    assert (body["size"], body["output_format"], body["watermark"]) == ("2K", "png", True)


def test_no_seed_is_sent_where_none_is_asked_for(request_):
    with vendor(Answer(MADE)) as server:
        edit(server.url, EditRequest("x", request_.image, width=8, height=8))
    assert "seed" not in server.sent[0].json()


def test_the_picture_comes_back_untouched_with_what_the_wire_says(request_):
    with vendor(Answer(MADE, headers={"X-Request-Id": "req-9"})) as server:
        reply = edit(server.url, request_)
    assert (reply.kind, reply.body) == ("image", PICTURE)
    assert reply.usage == Usage(num_images=1)
    assert (reply.version, reply.request_id) == ("seedream-4-0-250828", "req-9")


def test_an_answer_that_names_no_model_keeps_the_requested_id(request_):
    with vendor(Answer({"data": MADE["data"]})) as server:
        reply = edit(server.url, request_)
    assert (reply.version, reply.usage) == ("seedream-4-0", Usage(num_images=1))


@pytest.mark.parametrize("status", [400, 200])
@pytest.mark.parametrize(
    ("code", "stage"),
    [
        ("InputTextSensitiveContentDetected", "prompt"),
        ("InputImageSensitiveContentDetected", "prompt"),
        ("InputImageSensitiveContentDetected.PrivacyInformation", "prompt"),
        ("SensitiveContentDetected.Violence", "prompt"),
        ("InputImageRiskDetection", "prompt"),
        ("OutputImageSensitiveContentDetected", "output"),
        ("OutputImageRiskDetection", "output"),
    ],
)
def test_moderation_is_an_outcome_also_inside_a_success(request_, status, code, stage):
    with vendor(failed(code, "may be sensitive", status=status)) as server:
        reply = edit(server.url, request_)
    assert (reply.kind, reply.at, reply.code) == ("refused", stage, code)
    assert (reply.detail, reply.body, reply.usage) == ("may be sensitive", b"", None)


def test_a_single_picture_that_failed_is_found_too(request_):
    error = {"code": "OutputImageSensitiveContentDetected", "message": "sensitive"}
    with vendor(Answer({"model": "m", "data": [{"error": error}]})) as server:
        reply = edit(server.url, request_)
    assert (reply.kind, reply.at) == ("refused", "output")


@pytest.mark.parametrize(
    ("answer", "error", "scope"),
    [
        (failed("AuthenticationError", status=401), ProviderStopError, "key"),
        (failed("AccessDenied", status=403), ProviderStopError, "key"),
        (failed("AccountOverdueError", status=403), ProviderStopError, "spend"),
        (failed("SetLimitExceeded", status=429), ProviderStopError, "spend"),
        (failed("ModelNotOpen", status=404), ProviderStopError, "account"),
        (failed("RateLimitExceeded.EndpointRPMExceeded", status=429), RateLimitedError, "minute"),
        (failed("ModelAccountIpmRateLimitExceeded", status=429), RateLimitedError, "minute"),
        (failed("ServerOverloaded", status=429), RateLimitedError, "capacity"),
        (failed("InvalidParameter", status=400), InvalidRequestError, None),
        (failed("InvalidParameter.Size"), InvalidRequestError, None),
        (failed("InvalidEndpointOrModel.NotFound", status=404), InvalidRequestError, None),
        (failed("InternalServiceError", status=500), InDoubtError, None),
        (failed("InternalServiceError"), InDoubtError, None),
        (Answer("<html>busy", status=503), InDoubtError, None),
        (Answer("not JSON"), InDoubtError, None),
        (Answer({"data": "not a list"}), InDoubtError, None),
        (Answer(MADE, fault="cut"), InDoubtError, None),
    ],
)
def test_what_a_failure_means_for_the_bill(request_, answer, error, scope):
    with vendor(answer) as server, pytest.raises(error) as caught:
        edit(server.url, request_)
    assert type(caught.value) is error
    assert getattr(caught.value, "scope", None) == scope
    assert len(server.sent) == 1


def test_a_vendor_that_is_not_reached_sends_no_bill(request_):
    with pytest.raises(UnbilledError):
        edit(closed_port(), request_)


@pytest.mark.parametrize("data", [[], [{"url": "https://elsewhere.test/x"}], [{"b64_json": "A"}]])
def test_a_success_without_a_readable_picture_is_no_image(request_, data):
    with vendor(Answer({"model": "m", "data": data})) as server:
        reply = edit(server.url, request_)
    assert (reply.kind, reply.body) == ("no_image", b"")


@pytest.mark.parametrize("code", ["InvalidParameter", "OutputImageSensitiveContentDetected"])
def test_a_vendor_that_echoes_what_it_got_gives_no_key_and_no_picture_away(request_, code):
    request_.image.write_bytes(INPUT * 50)
    with vendor(lambda sent: failed(code, echo(sent), status=400)) as server:
        try:
            text = repr(edit(server.url, request_))
        except InvalidRequestError as error:
            text = str(error)
    assert code in text
    assert KEY not in text
    assert base64.b64encode(INPUT * 50).decode()[:40] not in text


def test_the_plugin_says_which_variables_it_reads():
    assert (PLUGIN.key_variable, PLUGIN.base_url_variable) == (
        "ARK_API_KEY",
        "GGT_SEEDREAM_BASE_URL",
    )
