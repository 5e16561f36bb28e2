"""Google's SDK, unpatched, against a server that plays Gemini: one request a send, and what every reply means."""

import asyncio
import base64
import gc
import time
from urllib.parse import unquote

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
from ggt.providers.gemini import PLUGIN
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
    "promptTokenCount": 1300,
    "candidatesTokenCount": 1130,
    "candidatesTokensDetails": [
        {"modality": "IMAGE", "tokenCount": 1120},
        {"modality": "TEXT", "tokenCount": 10},
    ],
    "thoughtsTokenCount": 90,
}


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", few_certificates(tmp_path))
    # None of them may change what is sent, or where.
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "true")
    monkeypatch.setenv("GOOGLE_GENAI_API_VERSION", "beta")
    monkeypatch.setenv("GOOGLE_API_KEY", "another-key-that-must-stay-here")
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", closed_port())


def model(**changes):
    usual = {
        "provider": "gemini",
        "id": "gemini-test-image",
        "max_output_tokens": 2000,
        "key_variable": None,
        "accepts": ("image_size", "temperature", "top_p", "thinking_level", "service_tier"),
    }
    return row(**usual | changes)


def candidate(*parts, finish="STOP", message=None):
    found = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish, "index": 0}
    return found | ({"finishMessage": message} if message else {})


def image_part(data=PICTURE, **more):
    inline = {"mimeType": "image/png", "data": base64.b64encode(data).decode()}
    return {"inlineData": inline, **more}


def reply(*candidates, **more):
    value = {
        "candidates": list(candidates),
        "usageMetadata": USAGE,
        "modelVersion": "gemini-test-image-002",
        "responseId": "resp-1",
    }
    return Answer(value | more)


def error(status, *details, word="RESOURCE_EXHAUSTED", message="no", headers=None):
    body = {"error": {"code": status, "status": word, "message": message, "details": details}}
    return Answer(body, status=status, headers=headers or {})


def info(reason):
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}


def quota(*ids, value="10"):
    found = [{"quotaId": name, "quotaValue": value} for name in ids]
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": found}


def retry(delay):
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def edit(tmp_path, answer, **changes):
    """Edit once; the request must have been the only one."""
    outcome, sent = ask(PLUGIN, model(**changes), edit_request(tmp_path), answer)
    assert len(sent) == 1
    return outcome


def test_an_edit_is_one_request_with_the_picture_the_prompt_and_bounds(tmp_path):
    outcome, (sent,) = ask(
        PLUGIN, model(), edit_request(tmp_path, seed=7), reply(candidate(image_part()))
    )
    assert isinstance(outcome, Reply)
    assert (sent.method, unquote(sent.path)) == (
        "POST",
        "/v1/models/gemini-test-image:generateContent",
    )
    assert sent.headers["x-goog-api-key"] == KEY
    assert sent.headers["x-client-request-id"] == "send-1"
    png = base64.b64encode(b"\x89PNG the photo").decode()
    assert sent.json() == {
        "contents": [
            {
                "role": "user",
                "parts": [
                    {"inlineData": {"mime_type": "image/png", "data": png}},  # Google reads both
                    {"text": "Restore this photo."},
                ],
            }
        ],
        "generationConfig": {
            "responseModalities": ["IMAGE"],
            "imageConfig": {"aspectRatio": "1:1", "imageSize": "1K"},
            "maxOutputTokens": 2000,
            "seed": 7,
        },
    }


def test_the_bytes_of_the_first_picture_come_back_untouched_and_counted(tmp_path):
    answer = reply(
        candidate({"text": "Here it is."}, image_part(), image_part(b"a second")),
    )
    assert edit(tmp_path, answer) == Reply(
        kind="image",
        body=PICTURE,
        usage=Usage(input_tokens=1300, output_tokens=100, image_tokens=1120, num_images=1),
        version="gemini-test-image-002",
        request_id="resp-1",
    )


def test_a_picture_that_a_model_thought_of_is_not_its_answer(tmp_path):
    draft = image_part(b"a draft", thought=True)
    assert edit(tmp_path, reply(candidate(draft, image_part()))).body == PICTURE
    assert edit(tmp_path, reply(candidate(draft, finish="NO_IMAGE"))).kind == "no_image"


def test_without_a_split_all_tokens_of_a_picture_count_as_picture(tmp_path):
    used = {"promptTokenCount": 5, "candidatesTokenCount": 1130}
    outcome = edit(tmp_path, reply(candidate(image_part()), usageMetadata=used))
    assert outcome.usage == Usage(input_tokens=5, image_tokens=1130, num_images=1)
    assert edit(tmp_path, reply(candidate(image_part()), usageMetadata=None)).usage is None


def test_parameters_of_the_row_are_sent_and_the_version_is_the_rows(tmp_path):
    parameters = {
        "image_size": "2K",
        "top_p": 0.9,
        "thinking_level": "HIGH",
        "service_tier": "flex",
    }
    asked = model(api_version="v1beta", parameters=parameters)
    _, (sent,) = ask(PLUGIN, asked, edit_request(tmp_path), reply(candidate(image_part())))
    assert sent.path.startswith("/v1beta/models/")
    assert sent.json()["serviceTier"] == "flex"
    assert sent.json()["generationConfig"] == {
        "responseModalities": ["IMAGE"],
        "imageConfig": {"aspectRatio": "1:1", "imageSize": "2K"},
        "maxOutputTokens": 2000,
        "topP": 0.9,
        "thinkingConfig": {"thinking_level": "HIGH"},  # so the SDK spells it; Google reads both
    }


@pytest.mark.parametrize(
    ("width", "height", "ratio"),
    [(1024, 1024, "1:1"), (1024, 1016, "1:1"), (1200, 896, "4:3"), (768, 1024, "3:4")],
)
def test_the_aspect_ratio_is_stated_when_the_wire_has_it(tmp_path, width, height, ratio):
    request = edit_request(tmp_path, width=width, height=height)
    _, (sent,) = ask(PLUGIN, model(), request, reply(candidate(image_part())))
    assert sent.json()["generationConfig"]["imageConfig"]["aspectRatio"] == ratio


def test_what_cannot_be_asked_for_is_said_before_anything_is_sent(tmp_path):
    picture = edit_request(tmp_path)
    for changes, request, said in (
        ({}, edit_request(tmp_path, width=1024, height=1000), "re-framed"),
        ({"accepts": ("guidance",), "parameters": {"guidance": 3}}, picture, "'guidance'"),
        ({"parameters": {"top_p": "much"}}, picture, "top_p = 'much'"),
    ):
        outcome, sent = ask(PLUGIN, model(**changes), request, reply())
        assert (type(outcome), sent) == (InvalidRequestError, [])
        assert said in str(outcome)
    (tmp_path / "lq.png").unlink()
    outcome, sent = ask(PLUGIN, model(), picture, reply())
    assert (type(outcome), sent) == (InvalidRequestError, [])


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "PROHIBITED_CONTENT", "IMAGE_SAFETY"])
def test_a_refused_prompt_is_an_outcome_not_an_error(tmp_path, reason):
    feedback = {"promptFeedback": {"blockReason": reason}, "usageMetadata": USAGE}
    outcome = edit(tmp_path, Answer(feedback))
    assert (outcome.kind, outcome.at, outcome.code) == ("refused", "prompt", reason)
    assert outcome.usage == Usage(1300, 100, 1120, 0)
    assert outcome.version == "gemini-test-image"


@pytest.mark.parametrize(
    "reason",
    [
        *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE"),
        *("ESCALATION", "MODEL_ARMOR"),
        *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION"),
    ],
)
def test_a_filtered_output_is_refused_with_the_wires_own_word(tmp_path, reason):
    outcome = edit(tmp_path, reply(candidate(finish=reason, message="It may be unsafe.")))
    assert (outcome.kind, outcome.at, outcome.code) == ("refused", "output", reason)
    assert (outcome.body, outcome.detail) == (b"", "It may be unsafe.")


@pytest.mark.parametrize(
    ("candidates", "code", "detail"),
    [
        ([candidate(finish="NO_IMAGE")], "NO_IMAGE", ""),
        ([candidate({"text": "I cannot see."})], "STOP", "I cannot see."),
        ([candidate()], "STOP", ""),
        ([{"finishReason": "STOP"}], "STOP", ""),
        ([candidate({"text": "Hm"}, finish="MAX_TOKENS")], "MAX_TOKENS", "Hm"),
        ([candidate(finish="IMAGE_OTHER")], "IMAGE_OTHER", ""),
        ([candidate(finish="A_WORD_OF_NEXT_YEAR")], "A_WORD_OF_NEXT_YEAR", ""),
        ([], "NO_CANDIDATES", ""),
        ([candidate({"inlineData": {"data": "no base64!"}})], "BAD_BASE64", ""),
        ([candidate({"inlineData": None, "text": None})], "STOP", ""),
    ],
)
def test_a_reply_without_a_picture_says_why(tmp_path, candidates, code, detail):
    outcome = edit(tmp_path, reply(*candidates))
    assert (outcome.kind, outcome.at, outcome.body) == ("no_image", None, b"")
    assert (outcome.code, outcome.detail) == (code, detail)


def test_a_banned_account_stops_the_run(tmp_path):
    banned = reply(candidate(finish="PUP_LIMITED_DISABLED"))
    for request in (edit_request(tmp_path), answer_request(tmp_path)):
        outcome, sent = ask(PLUGIN, model(), request, banned)
        assert (type(outcome), len(sent)) == (ProviderStopError, 1)
        assert outcome.scope == "account"


def test_a_model_that_offers_to_go_on_is_not_asked_again(tmp_path):
    more = candidate({"text": "half"}, finish="CONTINUATION") | {"continuationToken": "AAAA"}
    outcome, sent = ask(PLUGIN, model(), answer_request(tmp_path), reply(more))
    assert (outcome.body, outcome.code, len(sent)) == (b"half", "CONTINUATION", 1)


def test_an_answer_is_asked_for_in_order_with_its_schema(tmp_path):
    answer = reply(
        candidate({"text": "Hm.", "thought": True}, {"text": '{"level":'}, {"text": " 4}"})
    )
    outcome, (sent,) = ask(PLUGIN, model(kind="vlm"), answer_request(tmp_path), answer)
    assert outcome == Reply(
        kind="text",
        body=b'{"level": 4}',
        usage=Usage(input_tokens=1300, output_tokens=100, image_tokens=1120),
        version="gemini-test-image-002",
        request_id="resp-1",
    )
    assert [
        part.get("text") or base64.b64decode(part["inlineData"]["data"])
        for part in sent.json()["contents"][0]["parts"]
    ] == ["Image A:", b"\x89PNG one", "Image B:", b"\x89PNG two"]
    assert sent.json()["generationConfig"] == {
        "responseMimeType": "application/json",
        "responseJsonSchema": SCHEMA,
        "temperature": 0.5,
        "maxOutputTokens": 2000,
    }


def test_a_rows_own_temperature_is_sent_instead(tmp_path):
    asked = model(kind="vlm", parameters={"temperature": 1.0})
    _, (sent,) = ask(PLUGIN, asked, answer_request(tmp_path), reply(candidate({"text": "{}"})))
    assert sent.json()["generationConfig"]["temperature"] == 1.0


def test_a_cut_answer_stays_a_text_and_says_that_it_was_cut(tmp_path):
    cut = reply(candidate({"text": '{"lev'}, finish="MAX_TOKENS"))
    outcome, _ = ask(PLUGIN, model(kind="vlm"), answer_request(tmp_path), cut)
    assert (outcome.kind, outcome.body, outcome.code) == ("text", b'{"lev', "MAX_TOKENS")
    filtered = reply(candidate(finish="SAFETY"))
    outcome, _ = ask(PLUGIN, model(kind="vlm"), answer_request(tmp_path), filtered)
    assert (outcome.kind, outcome.at, outcome.code) == ("refused", "output", "SAFETY")


MINUTE = "GenerateRequestsPerMinutePerProjectPerModel"
DAY = "GenerateRequestsPerDayPerProjectPerModel"


@pytest.mark.parametrize(
    ("answer", "scope", "delay_s"),
    [
        (error(429, info("RATE_LIMIT_EXCEEDED"), quota(MINUTE), retry("2.5s")), "minute", 2.5),
        (error(429, headers={"retry-after": "7"}), "minute", 7.0),
        (error(429, info("MODEL_CAPACITY_EXHAUSTED"), retry("3s")), "capacity", 3.0),
        (Answer("slow down", status=429), "minute", 0.0),
        (error(503, retry("4s"), word="UNAVAILABLE"), "capacity", 4.0),
        (error(529, word="UNAVAILABLE"), "capacity", 0.0),
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
        # A daily quota comes with a delay of seconds too.
        (error(429, quota(MINUTE, DAY), retry("2s")), "day"),
        (error(429, quota(DAY, value="0")), "spend"),
        (error(429, message="Your prepayment credits are depleted."), "spend"),
        (error(429, message="Your project has exceeded its monthly spending cap."), "spend"),
        (error(402, message="Your prepayment credits are depleted."), "spend"),
        (error(403, info("BILLING_DISABLED")), "spend"),
        (error(400, info("API_KEY_INVALID"), word="INVALID_ARGUMENT"), "key"),
        (error(401, word="UNAUTHENTICATED"), "key"),
        (error(403, word="PERMISSION_DENIED"), "key"),
        (error(403, info("CONSUMER_SUSPENDED"), word="PERMISSION_DENIED"), "account"),
        (error(400, word="FAILED_PRECONDITION", message="User location"), "account"),
    ],
)
def test_what_no_waiting_mends_stops_the_run(tmp_path, answer, scope):
    outcome = edit(tmp_path, answer)
    assert type(outcome) is ProviderStopError
    assert outcome.scope == scope


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (error(400, word="INVALID_ARGUMENT"), InvalidRequestError),
        (error(404, word="NOT_FOUND"), InvalidRequestError),
        (Answer("<html>too large", status=413), InvalidRequestError),
        (Answer("", status=307, headers={"Location": "/elsewhere"}), InvalidRequestError),
        (error(500, word="INTERNAL"), UnbilledError),
        (error(504, word="DEADLINE_EXCEEDED"), UnbilledError),
        # Not in Google's form: from something in between, which knows nothing of the bill.
        (Answer("<html>Bad Gateway", status=502), InDoubtError),
        (Answer({"message": "upstream failed"}, status=500), InDoubtError),
        (Answer({"error": "upstream failed"}, status=500), InDoubtError),
        (Answer([1, 2], status=503), InDoubtError),
        (Answer(b"\xff\xfe\x00", status=503), InDoubtError),
        (error(408, word="CANCELLED"), InDoubtError),
        (error(499, word="CANCELLED"), InDoubtError),
        (Answer("", status=204), InDoubtError),
        (Answer("<html>Welcome to this network"), InDoubtError),
        (Answer("[]"), InDoubtError),
        (Answer(b""), InDoubtError),
        (Answer({"candidates": "none"}), InDoubtError),
        (Answer(fault="reset"), InDoubtError),
        (Answer(fault="closed"), InDoubtError),
        (Answer({"candidates": []}, fault="cut"), InDoubtError),
        (Answer({"error": {"code": 500}}, status=500, fault="cut"), InDoubtError),
    ],
)
def test_a_failure_is_free_only_where_google_says_so(tmp_path, answer, kind):
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


def test_one_open_client_serves_many_requests_each_over_its_own_connection(tmp_path):
    request = edit_request(tmp_path)

    async def run(url):
        async with PLUGIN.open(Connection(model(), url, KEY)) as client:
            together = await asyncio.gather(*(client.edit(request, f"send-{i}") for i in range(4)))
            return [*together, await client.edit(request, "send-4")]

    with vendor(reply(candidate(image_part()))) as server:
        replies = asyncio.run(run(server.url))
    assert [made.body for made in replies] == [PICTURE] * 5
    ids = {sent.headers["x-client-request-id"] for sent in server.sent}
    assert ids == {f"send-{i}" for i in range(5)}
    # One that is just being closed would leave a send in doubt.
    assert len({sent.port for sent in server.sent}) == 5


def test_a_closed_client_leaves_nothing_open(tmp_path):
    edit(tmp_path, reply(candidate(image_part())))
    gc.collect()  # an open socket would warn, and a warning is an error


@pytest.mark.parametrize("status", [200, 400, 403, 404, 429, 500, 502, 503])
def test_no_text_shows_a_key_or_a_picture(tmp_path, status):
    png = bytes(range(256)) * 8
    request = edit_request(tmp_path, png=png)

    def repeat(sent):
        if status == 200:
            return reply(candidate({"text": careless(sent)}))
        return error(status, message=careless(sent))

    outcome, sent = ask(PLUGIN, model(), request, repeat)
    said = outcome.detail if status == 200 else str(outcome)
    picture = base64.b64encode(png).decode()
    assert "x-client-request-id" in said or len(said) == 500
    assert len(said) <= 560
    assert KEY not in said
    assert picture[:100] not in said
    assert KEY not in repr(Connection(model(), None, KEY))
    assert len(sent) == 1


def test_a_missing_or_mangled_key_stops_before_anything_is_sent(tmp_path):
    request = edit_request(tmp_path)
    with vendor(reply()) as server:
        for key, said in ((None, "export GEMINI_API_KEY="), (f"{KEY[:9]}\n“", "copy it again")):
            with pytest.raises(ProviderStopError, match=said) as stopped:
                ask_at(server.url, PLUGIN, model(), request, key=key)
            assert stopped.value.scope == "key"
            assert KEY[:9] not in str(stopped.value)
    assert server.sent == []


def test_an_address_that_is_none_is_said_when_a_client_is_opened(tmp_path):
    for url in ("127.0.0.1:8000", "ftp://example.org", "http://"):
        with pytest.raises(UsageError, match="base_url"):
            ask_at(url, PLUGIN, model(), edit_request(tmp_path))


def test_without_a_base_url_the_vendors_own_address_is_meant():
    async def run():
        async with PLUGIN.open(Connection(model(), None, KEY)) as client:
            sdk = client.edit.args[0]
            return sdk._api_client._http_options.base_url  # the SDK has no public way to ask

    assert asyncio.run(run()) == "https://generativelanguage.googleapis.com"
