"""OpenAI's wire, asked by the official SDK: every outcome arrives as the SDK knows it, and is billed as stated."""

import base64

import httpx2
import openai as sdk
import pytest

from ggt.images import decode_image
from ggt.models import Usage, cost_usd, get_model

PRICED = get_model("gpt_image_2", "mfm")


def always(server, fault):
    assert server.behave(f"[faults]\n{fault} = 1.0").status_code == 200


def image_of(response):
    return base64.b64decode(response.data[0].b64_json)


def chat(openai, **more):
    messages = [{"role": "user", "content": "Who are you?"}]
    return openai.chat.completions.create(model="gpt-6.1-sol", messages=messages, **more)


def test_a_picture_comes_back_with_its_usage_and_says_that_it_is_simulated(
    server, edit_by_openai, picture
):
    response = edit_by_openai(quality="high", output_format="png", size="64x64")
    data = image_of(response)
    decoded = decode_image(data)
    assert (decoded.format, decoded.image.shape) == ("PNG", picture.shape)
    assert b"not-ground-truth" in data
    assert b"the simulated provider: echo" in data
    assert response.model_extra["model"] == "simulated-gpt-image-2-2026-04-21"
    assert (response.size, response.quality, response.output_format) == ("64x64", "high", "png")
    usage = response.usage
    assert usage.output_tokens_details.image_tokens == PRICED.typical_image_tokens
    assert usage.input_tokens_details.text_tokens == 5
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    spent = Usage(usage.input_tokens, 0, usage.output_tokens, 1)
    line = server.lines[-1]
    assert line["usd"] == cost_usd(PRICED, spent, num_images=1)
    assert (line["status"], line["fault"], line["wire"]) == (200, "", "openai")


def test_pictures_may_come_as_a_list_and_the_client_may_name_its_request(
    server, edit_by_openai, openai, png
):
    images = [("lq.png", png, "image/png")]
    reply = openai.images.with_raw_response.edit(
        model="other",
        image=images,
        prompt="Remove the noise.",
        extra_headers={"X-Client-Request-Id": "send-7"},
        extra_body={"seed": 3},
    )
    assert reply.headers["x-request-id"].startswith("req_")
    assert reply.headers["openai-model"] == "simulated-other"
    assert server.lines[-1]["send"] == "send-7"
    assert reply.parse().data[0].b64_json


def test_an_answer_has_the_size_that_was_asked_for(edit_by_openai):
    assert decode_image(image_of(edit_by_openai(size="128x96"))).image.shape == (96, 128, 3)


def test_chat_answers_in_text(server, openai):
    response = chat(openai)
    assert response.model == "simulated-gpt-6.1-sol"
    assert response.choices[0].finish_reason == "stop"
    assert "simulated provider" in response.choices[0].message.content
    usage = response.usage
    assert usage.completion_tokens_details.reasoning_tokens == 40
    spent = Usage(usage.prompt_tokens, usage.completion_tokens)
    assert server.lines[-1]["usd"] == cost_usd(get_model("gpt_6_1_sol", "vlm"), spent, num_images=0)


def test_the_models_are_those_of_ggt(openai):
    ids = [model.id for model in openai.models.list()]
    assert ids == sorted(ids)
    assert {"gpt-image-2-2026-04-21", "gemini-3.1-flash-image"} <= set(ids)


@pytest.mark.parametrize(
    ("fault", "error", "status", "code"),
    [
        ("rate_limit_minute", sdk.RateLimitError, 429, "rate_limit_exceeded"),
        ("rate_limit_day", sdk.RateLimitError, 429, "rate_limit_exceeded"),
        ("rate_limit_spend", sdk.RateLimitError, 429, "insufficient_quota"),
        ("capacity", sdk.RateLimitError, 429, "engine_overloaded"),
        ("server_error", sdk.InternalServerError, 500, None),
        ("overloaded", sdk.InternalServerError, 503, "server_is_overloaded"),
        ("refused_prompt", sdk.BadRequestError, 400, "content_policy_violation"),
        ("moderation_blocked", sdk.BadRequestError, 400, "moderation_blocked"),
    ],
)
def test_errors_have_openais_codes_and_are_free(server, edit_by_openai, fault, error, status, code):
    always(server, fault)
    with pytest.raises(error) as raised:
        edit_by_openai()
    assert (raised.value.status_code, raised.value.code) == (status, code)
    assert raised.value.request_id.startswith("req_")
    assert (server.lines[-1]["usd"], server.lines[-1]["fault"]) == (0, fault)


@pytest.mark.parametrize(
    ("fault", "words"), [("rate_limit_minute", "per min"), ("rate_limit_day", "per day")]
)
def test_limits_say_what_was_exceeded_and_ask_for_a_delay(server, edit_by_openai, fault, words):
    always(server, fault)
    with pytest.raises(sdk.RateLimitError, match=words) as raised:
        edit_by_openai()
    assert raised.value.response.headers["retry-after"] == "1.5"
    assert raised.value.response.headers["retry-after-ms"] == "1500"


def test_moderation_has_a_type_of_its_own(server, edit_by_openai):
    always(server, "moderation_blocked")
    with pytest.raises(sdk.BadRequestError) as raised:
        edit_by_openai()
    assert raised.value.type == "image_generation_user_error"


def test_a_gateways_page_is_no_openai_error_and_hides_a_billed_answer(server, edit_by_openai):
    always(server, "bare_server_error")
    with pytest.raises(sdk.InternalServerError) as raised:
        edit_by_openai()
    assert (raised.value.status_code, raised.value.code) == (502, None)
    assert server.lines[-1]["usd"] > 0


@pytest.mark.parametrize(
    ("fault", "error", "cause", "billed"),
    [
        ("connection_reset", sdk.APIConnectionError, httpx2.ReadError, False),
        ("cut_body", sdk.APIConnectionError, httpx2.RemoteProtocolError, True),
        ("timeout", sdk.APITimeoutError, httpx2.ReadTimeout, True),
    ],
)
def test_broken_connections_are_billed_when_the_work_was_done(
    server, edit_by_openai, fault, error, cause, billed
):
    always(server, fault)
    with pytest.raises((error, cause)) as raised:
        edit_by_openai(timeout=1 if fault == "timeout" else 20)
    assert cause in (type(raised.value), type(raised.value.__cause__))
    line = server.lines[-1]
    assert (line["fault"], line["usd"] > 0) == (fault, billed)


def test_a_reply_may_hold_no_picture(server, edit_by_openai):
    always(server, "stop_empty")
    response = edit_by_openai()
    assert response.data == []
    assert response.usage.output_tokens == 0
    assert server.lines[-1]["usd"] > 0


def test_a_message_may_be_empty_filtered_cut_or_garbage(server, openai):
    found = {}
    for fault in ("stop_empty", "content_filter", "truncated_json", "bad_json"):
        always(server, fault)
        choice = chat(openai).choices[0]
        found[fault] = choice.finish_reason, bool(choice.message.content), choice.message.refusal
        assert server.lines[-1]["usd"] > 0
    assert found == {
        "stop_empty": ("stop", False, None),
        "content_filter": ("content_filter", False, "I'm sorry, I can't assist with that."),
        "truncated_json": ("length", True, None),
        "bad_json": ("stop", True, None),
    }


def test_spoilt_pictures_arrive_as_stated(server, edit_by_openai, picture):
    from ggt.errors import ImageReadError

    always(server, "same_as_input")
    assert (decode_image(image_of(edit_by_openai())).image == picture).all()
    always(server, "reframed")
    response = edit_by_openai()
    assert response.size == "72x56"
    assert decode_image(image_of(response)).image.shape == (56, 72, 3)
    always(server, "wrong_mime")
    response = edit_by_openai()
    assert response.output_format == "png"
    assert decode_image(image_of(response)).format == "JPEG"
    always(server, "undecodable")
    with pytest.raises(ImageReadError):
        decode_image(image_of(edit_by_openai()))


@pytest.mark.parametrize(
    ("more", "parameter"),
    [
        ({"size": "100x100"}, "size"),
        ({"size": "1024x256"}, "size"),
        ({"n": 2}, "n"),
        ({"quality": "splendid"}, "quality"),
        ({"output_format": "webp"}, "output_format"),
    ],
)
def test_what_the_wire_does_not_take_is_refused_unbilled(server, edit_by_openai, more, parameter):
    with pytest.raises(sdk.BadRequestError) as raised:
        edit_by_openai(**more)
    assert (raised.value.code, raised.value.param) == ("invalid_value", parameter)
    assert (server.lines[-1]["usd"], server.lines[-1]["fault"]) == (0, "bad_request")


def test_a_picture_by_address_is_refused(server, openai):
    part = {"type": "image_url", "image_url": {"url": "https://example.org/a.png"}}
    with pytest.raises(sdk.BadRequestError, match="data URI"):
        openai.chat.completions.create(
            model="gpt-6.1-sol", messages=[{"role": "user", "content": [part]}]
        )


def test_another_key_is_refused_and_never_written_down(server, png):
    with (
        sdk.OpenAI(
            api_key="sk-wrong", base_url=f"{server.url}/v1", max_retries=0, timeout=20
        ) as client,
        pytest.raises(sdk.AuthenticationError) as raised,
    ):
        client.images.edit(model="m", image=("lq.png", png, "image/png"), prompt="p")
    assert raised.value.code == "invalid_api_key"
    assert "sk-wrong" not in str(raised.value)
    assert (server.lines[-1]["usd"], server.lines[-1]["status"]) == (0, 401)
