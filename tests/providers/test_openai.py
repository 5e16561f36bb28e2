"""OpenAI's SDK, unpatched, against a server that plays its wire: one request a send, and what every reply means."""

import asyncio
import base64
import email
import email.policy
import gc
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from ggt.errors import UsageError
from ggt.models import Usage
from ggt.providers import (
    Connection,
    InDoubtError,
    InvalidRequestError,
    ProviderStopError,
    RateLimitedError,
    Reply,
    UnbilledError,
)
from ggt.providers.openai import PLUGIN
from model_rows import row
from providers.asking import (
    KEY,
    PICTURE,
    SCHEMA,
    answer_request,
    ask,
    ask_at,
    careless,
    edit_request,
    few_certificates,
)
from providers.vendor_server import Answer, closed_port, vendor

USAGE = {
    "input_tokens": 1500,
    "output_tokens": 4200,
    "output_tokens_details": {"image_tokens": 4160, "text_tokens": 40},
}
B64 = base64.b64encode(PICTURE).decode()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", few_certificates(tmp_path))
    # None of them may change where a request goes, or with which key.
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another-key-that-must-stay-here")
    monkeypatch.setenv("OPENAI_BASE_URL", closed_port())


def model(**changes):
    usual = {
        "provider": "openai",
        "id": "gpt-image-test",
        "key_variable": None,
        "accepts": ("quality", "num_inference_steps", "true_cfg_scale", "tiled", "negative_prompt"),
    }
    return row(**usual | changes)


def vlm(**changes):
    usual = {"kind": "vlm", "id": "gpt-test", "max_output_tokens": 900}
    return model(**usual | {"accepts": ("temperature", "reasoning_effort")} | changes)


def images(*data, usage=USAGE, **more):
    return Answer({"created": 1, "data": list(data), "usage": usage} | more)


def chat(content='{"level": 4}', *, finish="stop", refusal=None):
    message = {"role": "assistant", "content": content, "refusal": refusal}
    value = {
        "id": "chatcmpl-1",
        "model": "gpt-test-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": 900, "completion_tokens": 120},
    }
    return Answer(value)


def error(status, code=None, *, kind="invalid_request_error", message="no", headers=None, **more):
    body = {"error": {"message": message, "type": kind, "param": None, "code": code} | more}
    return Answer(body, status=status, headers=headers or {})


def form(sent):
    """Read a multipart request: fields by name, and files as (file name, type, bytes)."""
    head = f"Content-Type: {sent.headers['content-type']}\r\n\r\n".encode()
    found = {}
    for part in email.message_from_bytes(head + sent.body, policy=email.policy.HTTP).iter_parts():
        name = part.get_param("name", header="content-disposition")
        body = part.get_payload(decode=True)
        file = part.get_filename()
        found[name] = (file, part.get_content_type(), body) if file else body.decode()
    return found


def edit(tmp_path, answer, **changes):
    """Edit once; the request must have been the only one."""
    outcome, sent = ask(PLUGIN, model(**changes), edit_request(tmp_path), answer, path="/v1")
    assert len(sent) == 1
    return outcome


def answered(tmp_path, answer, **changes):
    """Ask a vlm once; the request must have been the only one."""
    outcome, sent = ask(PLUGIN, vlm(**changes), answer_request(tmp_path), answer, path="/v1")
    assert len(sent) == 1
    return outcome


def test_an_edit_is_one_form_with_the_picture_the_prompt_and_the_size(tmp_path):
    request = edit_request(tmp_path, width=1024, height=768)
    _, (sent,) = ask(PLUGIN, model(), request, images({"b64_json": B64}), path="/v1")
    assert (sent.method, sent.path) == ("POST", "/v1/images/edits")
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.headers["x-client-request-id"] == "send-1"
    assert form(sent) == {
        "image": ("lq.png", "image/png", b"\x89PNG the photo"),
        "prompt": "Restore this photo.",
        "model": "gpt-image-test",
        "n": "1",
        "size": "1024x768",
    }


def test_parameters_that_only_some_servers_know_are_fields_of_the_form(tmp_path):
    parameters = {
        "quality": "high",
        "num_inference_steps": 40,
        "true_cfg_scale": 4.5,
        "tiled": False,
        "negative_prompt": " ",
    }
    request = edit_request(tmp_path, seed=7)
    _, (sent,) = ask(PLUGIN, model(parameters=parameters), request, images({"b64_json": B64}))
    found = form(sent)
    assert found["seed"] == "7"
    assert {name: found[name] for name in parameters} == {
        "quality": "high",
        "num_inference_steps": "40",
        "true_cfg_scale": "4.5",
        "tiled": "false",
        "negative_prompt": " ",
    }


def test_the_bytes_of_the_picture_come_back_untouched_and_counted(tmp_path):
    answer = images({"b64_json": B64}, output_format="png")
    answer.headers["x-request-id"] = "req-1"
    assert edit(tmp_path, answer) == Reply(
        kind="image",
        body=PICTURE,
        usage=Usage(input_tokens=1500, output_tokens=40, image_tokens=4160, num_images=1),
        version="gpt-image-test",
        request_id="req-1",
    )


def test_without_a_split_all_output_counts_as_picture(tmp_path):
    outcome = edit(
        tmp_path, images({"b64_json": B64}, usage={"input_tokens": 9, "output_tokens": 50})
    )
    assert outcome.usage == Usage(input_tokens=9, image_tokens=50, num_images=1)
    assert edit(tmp_path, images({"b64_json": B64}, usage=None)).usage is None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        ([{"url": "https://example.org/made.png"}], "url_only"),
        ([{"b64_json": None, "url": None}], "no_data"),
        ([{"b64_json": "no base64!"}], "bad_base64"),
        ([], "no_data"),
    ],
)
def test_a_reply_without_a_picture_says_why(tmp_path, data, code):
    outcome = edit(tmp_path, images(*data))
    assert (outcome.kind, outcome.at, outcome.body, outcome.code) == ("no_image", None, b"", code)
    assert ("b64_json" in outcome.detail) == (code == "url_only")
    made = int(code in ("url_only", "bad_base64"))  # and may be billed
    assert outcome.usage == Usage(1500, 40, 4160, made)


@pytest.mark.parametrize(
    ("code", "more", "at"),
    [
        ("moderation_blocked", {"moderation_details": {"moderation_stage": "input"}}, "prompt"),
        ("moderation_blocked", {"moderation_details": {"moderation_stage": "output"}}, "output"),
        ("moderation_blocked", {}, "prompt"),
        ("content_policy_violation", {}, "prompt"),
    ],
)
def test_a_blocked_picture_is_an_outcome_not_an_error(tmp_path, code, more, at):
    blocked = error(400, code, message="Rejected by the safety system.", **more)
    blocked.headers["x-request-id"] = "req-9"
    assert edit(tmp_path, blocked) == Reply(
        kind="refused",
        body=b"",
        usage=None,
        version="gpt-image-test",
        at=at,
        code=code,
        detail="Rejected by the safety system.",
        request_id="req-9",
    )


def test_an_answer_is_asked_for_in_order_with_its_schema(tmp_path):
    request = answer_request(tmp_path)
    parameters = {"reasoning_effort": "low"}
    outcome, (sent,) = ask(PLUGIN, vlm(parameters=parameters), request, chat(), path="/v1")
    assert outcome == Reply(
        kind="text",
        body=b'{"level": 4}',
        usage=Usage(input_tokens=900, output_tokens=120),
        version="gpt-test-2026",
        request_id="chatcmpl-1",
    )
    one, two = (base64.b64encode(png).decode() for png in (b"\x89PNG one", b"\x89PNG two"))
    assert (sent.path, sent.headers["x-client-request-id"]) == ("/v1/chat/completions", "send-1")
    assert sent.json() == {
        "model": "gpt-test",
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Image A:"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{one}", "detail": "high"},
                    },
                    {"type": "text", "text": "Image B:"},
                    {
                        "type": "image_url",
                        "image_url": {"url": f"data:image/png;base64,{two}", "detail": "high"},
                    },
                ],
            }
        ],
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True},
        },
        "max_completion_tokens": 900,
        "temperature": 0.5,
        "reasoning_effort": "low",
    }


def test_a_temperature_is_sent_only_where_the_row_accepts_one(tmp_path):
    asked = vlm(accepts=("reasoning_effort",))
    _, (sent,) = ask(PLUGIN, asked, answer_request(tmp_path), chat())
    assert "temperature" not in sent.json()


@pytest.mark.parametrize(
    ("answer", "kind", "body", "code", "at"),
    [
        (chat('{"lev', finish="length"), "text", b'{"lev', "length", None),
        (chat(None), "text", b"", "", None),
        (chat(None, refusal="I cannot."), "refused", b"", "refusal", "output"),
        (chat("", finish="content_filter"), "refused", b"", "content_filter", "output"),
        (error(400, "content_filter"), "refused", b"", "content_filter", "prompt"),
        (error(400, "invalid_prompt"), "refused", b"", "invalid_prompt", "prompt"),
        (Answer({"choices": []}), "text", b"", "no_choices", None),
    ],
)
def test_what_a_vlm_says_is_passed_on_and_what_it_refuses_is_told(
    tmp_path, answer, kind, body, code, at
):
    outcome = answered(tmp_path, answer)
    assert (outcome.kind, outcome.body, outcome.code, outcome.at) == (kind, body, code, at)


@pytest.mark.parametrize(
    ("answer", "scope", "delay_s"),
    [
        (error(429, "rate_limit_exceeded", headers={"retry-after": "7"}), "minute", 7.0),
        (error(429, headers={"retry-after-ms": "250", "retry-after": "1"}), "minute", 0.25),
        (error(429, "slow_down", kind="rate_limit_error"), "minute", 0.0),
        (Answer("busy", status=429, headers={"retry-after": "soon"}), "minute", 0.0),
        (error(429, "engine_overloaded", headers={"retry-after": "2"}), "capacity", 2.0),
        (error(503, "server_is_overloaded", headers={"retry-after": "3"}), "capacity", 3.0),
    ],
)
def test_too_much_at_once_says_whose_trouble_it_is_and_how_long_to_wait(
    tmp_path, answer, scope, delay_s
):
    outcome = edit(tmp_path, answer)
    assert type(outcome) is RateLimitedError
    assert (outcome.scope, outcome.delay_s) == (scope, delay_s)


@pytest.mark.parametrize(
    ("answer", "scope"),
    [
        (error(429, "insufficient_quota"), "spend"),
        (error(429, "credit_balance_exhausted", kind="insufficient_quota"), "spend"),
        (error(429, "a_limit_of_next_year", kind="insufficient_quota"), "spend"),
        (error(429, "project_spend_limit_exceeded"), "spend"),
        (error(400, "billing_hard_limit_reached"), "spend"),
        (error(402), "spend"),
        (error(429, message="Rate limit reached on requests per day (RPD): Limit 10"), "day"),
        (error(429, headers={"retry-after": "40000"}), "day"),
        (error(401, "invalid_api_key"), "key"),
        (error(403, message="Your organization must be verified."), "key"),
        (error(401, "account_deactivated"), "account"),
    ],
)
def test_what_no_waiting_mends_stops_the_run(tmp_path, answer, scope):
    outcome = edit(tmp_path, answer)
    assert type(outcome) is ProviderStopError
    assert outcome.scope == scope


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(400, "invalid_value"), InvalidRequestError),
        (error(404, "model_not_found"), InvalidRequestError),
        (error(422), InvalidRequestError),
        (Answer("", status=307, headers={"Location": "/elsewhere"}), InvalidRequestError),
        # OpenAI says of none of them that it is free.
        (error(500, kind="server_error"), InDoubtError),
        (Answer("<html>Bad Gateway", status=502), InDoubtError),
        (Answer("upstream", status=503), InDoubtError),
        (Answer(b"\xff\xfe\x00", status=504), InDoubtError),
        (Answer([1, 2], status=500), InDoubtError),
        (error(408), InDoubtError),
        (error(409), InDoubtError),
        (Answer("<html>Welcome to this network"), InDoubtError),
        (Answer("[]"), InDoubtError),
        (Answer(b""), InDoubtError),
        (Answer({"data": "none"}), InDoubtError),
        (Answer(fault="reset"), InDoubtError),
        (Answer(fault="closed"), InDoubtError),
        (Answer({"data": []}, fault="cut"), InDoubtError),
        (Answer({"error": {"message": "no"}}, status=400, fault="cut"), InDoubtError),
    ],
)
def test_a_failure_counts_as_free_only_where_nothing_can_have_been_made(tmp_path, answer, kind):
    assert type(edit(tmp_path, answer)) is kind


@pytest.mark.parametrize("fault", ["silence", "trickle"])
def test_an_answer_that_takes_too_long_is_in_doubt(tmp_path, fault):
    slow = Answer(" " * 500, fault=fault, delay_s=20)
    began = time.monotonic()
    assert type(edit(tmp_path, slow, timeout_s=0.5)) is InDoubtError
    assert time.monotonic() - began < 10


def test_a_connection_that_is_not_made_is_free(tmp_path):
    request = edit_request(tmp_path)
    assert type(ask_at(closed_port(), PLUGIN, model(), request)) is UnbilledError
    nowhere = ask_at("http://no-such-host.invalid", PLUGIN, model(), request)
    assert type(nowhere) is UnbilledError


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "Model 'x' is not served here."}, "Model 'x' is not served here."),
        (
            {
                "detail": [
                    {"loc": ["body", "size"], "msg": "not a size"},
                    {"loc": ["n"], "msg": "?"},
                ]
            },
            "body.size: not a size; n: ?",
        ),
        ({"detail": ["odd"]}, "odd"),
        ({"object": "error", "message": "too long", "code": 400}, "400: too long"),
        ({"error": "a plain text"}, "a plain text"),
        ("a plain page", "a plain page"),
        ("", "no text"),
    ],
)
def test_errors_of_other_servers_are_readable(tmp_path, body, said):
    outcome = edit(tmp_path, Answer(body, status=400))
    assert type(outcome) is InvalidRequestError
    assert str(outcome).startswith("400 ")
    assert str(outcome).endswith(said)


def test_one_open_client_serves_many_requests_each_over_its_own_connection(tmp_path):
    request = edit_request(tmp_path)

    async def run(url):
        async with PLUGIN.open(Connection(model(), url, KEY)) as client:
            together = await asyncio.gather(*(client.edit(request, f"send-{i}") for i in range(4)))
            return [*together, await client.edit(request, "send-4")]

    with vendor(images({"b64_json": B64})) as server:
        replies = asyncio.run(run(f"{server.url}/v1"))
    assert [made.body for made in replies] == [PICTURE] * 5
    ids = {sent.headers["x-client-request-id"] for sent in server.sent}
    assert ids == {f"send-{i}" for i in range(5)}
    # One that is just being closed would leave a send in doubt.
    assert len({sent.port for sent in server.sent}) == 5


def test_a_server_without_keys_is_sent_none_of_ours(tmp_path):
    with vendor(images({"b64_json": B64})) as server:
        open_to_all = model(key_variable="")
        request = edit_request(tmp_path)
        assert ask_at(server.url, PLUGIN, open_to_all, request, key=None).kind == "image"
    (sent,) = server.sent
    assert sent.headers["authorization"] == "Bearer none"


class _Forgetful(BaseHTTPRequestHandler):
    """Counts what it is sent, a piece at a time, and keeps none of it: it shares this process's memory."""

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        self.server.received.append(left)
        while left:
            left -= len(self.rfile.read(min(left, 2**16)))
        body = b'{"data": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


def test_a_picture_is_read_while_it_is_sent_and_never_lies_in_memory_whole(tmp_path):
    large = 32 * 2**20
    request = edit_request(tmp_path, png=bytes(large))
    asked = model(timeout_s=60)
    with ThreadingHTTPServer(("127.0.0.1", 0), _Forgetful) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        ask_at(url, PLUGIN, asked, answer_request(tmp_path))  # imports what is imported once
        tracemalloc.start()
        outcome = ask_at(url, PLUGIN, asked, request)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        server.shutdown()
        thread.join()
    assert outcome.code == "no_data"
    assert server.received[1] > large
    assert peak < large / 4, f"{peak / 2**20:.1f} MiB"


def test_the_file_of_the_picture_is_closed_whatever_comes_back(tmp_path):
    for answer in (images({"b64_json": B64}), error(500), Answer(fault="reset")):
        edit(tmp_path, answer)
        gc.collect()  # an open file or socket would warn, and a warning is an error


def test_a_picture_that_cannot_be_read_is_not_sent(tmp_path):
    request = edit_request(tmp_path)
    request.image.unlink()
    outcome, sent = ask(PLUGIN, model(), request, images())
    assert (type(outcome), sent) == (InvalidRequestError, [])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 500, 502, 503])
@pytest.mark.parametrize("shape", ["error", "detail", "text", "moderation"])
def test_no_text_shows_a_key_or_a_picture(tmp_path, status, shape):
    png = bytes(range(256)) * 8
    lq = tmp_path / "a.png"

    def repeat(sent):
        said = careless(sent)
        if shape == "error":
            return error(status, message=said)
        if shape == "moderation":
            return error(status, "moderation_blocked", message=said)
        return Answer({"detail": said} if shape == "detail" else said, status=status)

    request = answer_request(tmp_path)
    lq.write_bytes(png)
    outcome, sent = ask(PLUGIN, vlm(), request, repeat)
    said = outcome.detail if isinstance(outcome, Reply) else str(outcome)
    assert "x-client-request-id" in said or len(said) >= 500
    assert len(said) <= 560
    assert KEY not in said
    assert base64.b64encode(png).decode()[:100] not in said
    assert len(sent) == 1


def test_a_missing_or_mangled_key_stops_before_anything_is_sent(tmp_path):
    request = edit_request(tmp_path)
    with vendor(images()) as server:
        for key, said in ((None, "export OPENAI_API_KEY="), (f"{KEY[:9]}\n“", "copy it again")):
            with pytest.raises(ProviderStopError, match=said) as stopped:
                ask_at(server.url, PLUGIN, model(), request, key=key)
            assert stopped.value.scope == "key"
            assert KEY[:9] not in str(stopped.value)
    assert server.sent == []


def test_an_address_that_is_none_is_said_when_a_client_is_opened(tmp_path):
    with pytest.raises(UsageError, match="base_url"):
        ask_at("localhost:8000/v1", PLUGIN, model(), edit_request(tmp_path))


def test_without_a_base_url_the_vendors_own_address_is_meant():
    async def run():
        async with PLUGIN.open(Connection(model(), None, KEY)) as client:
            return str(client.edit.args[0].base_url)

    assert asyncio.run(run()) == "https://api.openai.com/v1/"


def test_a_server_on_this_machine_is_never_reached_through_a_proxy(monkeypatch, tmp_path):
    seen = []

    class Proxy(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.path)
            self.send_error(500)

        def log_message(self, *arguments):
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    model = row(kind="vlm", key_variable="", base_url="http://127.0.0.1:9/v1")

    async def go():
        async with PLUGIN.open(Connection(model, model.base_url, None)) as client:
            with pytest.raises(UnbilledError):
                await client.answer(answer_request(tmp_path), "send-1")

    try:
        asyncio.run(go())
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert seen == []
