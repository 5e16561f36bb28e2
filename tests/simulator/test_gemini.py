"""Gemini's wire, asked by the official SDK: every outcome arrives as the SDK knows it, and is billed as stated."""

import httpx2
import pytest
from google.genai import errors, types

from ggt.images import decode_image
from ggt.models import Usage, cost_usd, get_model

PRICED = get_model("nano_banana_2", "mfm")
REFUSALS = {
    "no_image": "NO_IMAGE",
    "image_safety": "IMAGE_SAFETY",
    "image_prohibited_content": "IMAGE_PROHIBITED_CONTENT",
    "image_recitation": "IMAGE_RECITATION",
    "image_other": "IMAGE_OTHER",
    "prohibited_content": "PROHIBITED_CONTENT",
    "max_tokens": "MAX_TOKENS",
    "stop_empty": "STOP",
}


def always(server, fault):
    assert server.behave(f"[faults]\n{fault} = 1.0").status_code == 200


def details(error):
    return {
        detail["@type"].rpartition(".")[2]: detail for detail in error.details["error"]["details"]
    }


def image_of(response):
    (data,) = (
        part.inline_data for part in response.candidates[0].content.parts if part.inline_data
    )
    return data


def test_a_picture_comes_back_with_its_usage_and_says_that_it_is_simulated(
    server, edit_by_gemini, picture
):
    response = edit_by_gemini()
    data = image_of(response)
    decoded = decode_image(data.data)
    assert (decoded.format, decoded.image.shape) == ("PNG", picture.shape)
    assert data.mime_type == "image/png"
    assert b"not-ground-truth" in data.data
    assert b"the simulated provider: echo" in data.data
    assert response.model_version == "simulated-gemini-3.1-flash-image"
    assert response.candidates[0].finish_reason == types.FinishReason.STOP
    usage = response.usage_metadata
    by_modality = {d.modality.value: d.token_count for d in usage.candidates_tokens_details}
    assert by_modality["IMAGE"] == 1120
    assert usage.total_token_count == (
        usage.prompt_token_count + usage.candidates_token_count + usage.thoughts_token_count
    )
    spent = Usage(
        input_tokens=usage.prompt_token_count,
        output_tokens=usage.candidates_token_count - 1120 + usage.thoughts_token_count,
        image_tokens=1120,
        num_images=1,
    )
    line = server.lines[-1]
    assert line["usd"] == cost_usd(PRICED, spent, num_images=1)
    assert (line["status"], line["fault"], line["wire"]) == (200, "", "gemini")


def test_a_text_may_stand_before_the_picture(edit_by_gemini):
    kinds = set()
    for number in range(24):
        parts = edit_by_gemini(f"Remove the noise, way {number}.").candidates[0].content.parts
        kinds.add(tuple("text" if part.text else "picture" for part in parts))
    assert kinds == {("picture",), ("text", "picture")}


def test_text_models_answer_in_text(server, gemini):
    response = gemini.models.generate_content(
        model="gemini-3.1-pro-preview",
        contents="Who are you?",
        config=types.GenerateContentConfig(response_mime_type="application/json"),
    )
    assert "simulated provider" in response.text
    assert response.usage_metadata.thoughts_token_count == 40
    assert server.lines[-1]["usd"] > 0


@pytest.mark.parametrize(("fault", "reason"), REFUSALS.items())
def test_a_refused_output_has_its_reason_no_picture_and_is_billed(
    server, edit_by_gemini, fault, reason
):
    always(server, fault)
    response = edit_by_gemini()
    assert response.candidates[0].finish_reason.value == reason
    assert response.candidates[0].content is None
    usage = response.usage_metadata
    spent = Usage(usage.prompt_token_count, usage.thoughts_token_count)
    line = server.lines[-1]
    assert line["usd"] == cost_usd(PRICED, spent, num_images=0) > 0
    assert line["fault"] == fault


def test_a_text_instead_of_a_picture_is_billed(server, edit_by_gemini):
    always(server, "text_instead")
    response = edit_by_gemini()
    assert response.candidates[0].finish_reason == types.FinishReason.STOP
    assert "no picture" in response.text
    assert server.lines[-1]["usd"] > 0


def test_a_refused_prompt_has_no_candidate_and_is_free(server, edit_by_gemini):
    always(server, "refused_prompt")
    response = edit_by_gemini()
    assert response.candidates is None
    assert response.usage_metadata is None
    assert response.prompt_feedback.block_reason == types.BlockedReason.PROHIBITED_CONTENT
    assert server.lines[-1]["usd"] == 0


@pytest.mark.parametrize(
    ("fault", "quota"),
    [
        ("rate_limit_minute", "GenerateRequestsPerMinutePerProjectPerModel"),
        ("rate_limit_day", "GenerateRequestsPerDayPerProjectPerModel"),
        ("rate_limit_spend", "SpendPerMonthPerProject"),
    ],
)
def test_limits_name_their_quota_and_a_delay_and_are_free(server, edit_by_gemini, fault, quota):
    always(server, fault)
    with pytest.raises(errors.ClientError) as raised:
        edit_by_gemini()
    assert (raised.value.code, raised.value.status) == (429, "RESOURCE_EXHAUSTED")
    found = details(raised.value)
    assert found["ErrorInfo"]["reason"] == "RATE_LIMIT_EXCEEDED"
    assert found["QuotaFailure"]["violations"][0]["quotaId"] == quota
    assert found["QuotaFailure"]["violations"][0]["quotaDimensions"]["model"] == PRICED.id
    assert found["RetryInfo"]["retryDelay"] == "1.5s"
    assert (server.lines[-1]["usd"], server.lines[-1]["status"]) == (0, 429)


def test_a_lack_of_capacity_is_told_from_a_limit(server, edit_by_gemini):
    always(server, "capacity")
    with pytest.raises(errors.ClientError) as raised:
        edit_by_gemini()
    found = details(raised.value)
    assert raised.value.code == 429
    assert found["ErrorInfo"]["reason"] == "MODEL_CAPACITY_EXHAUSTED"
    assert "QuotaFailure" not in found


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [("server_error", 500, "INTERNAL"), ("overloaded", 503, "UNAVAILABLE")],
)
def test_server_errors_in_googles_form_are_free(server, edit_by_gemini, fault, code, status):
    always(server, fault)
    with pytest.raises(errors.ServerError) as raised:
        edit_by_gemini()
    assert (raised.value.code, raised.value.status) == (code, status)
    assert server.lines[-1]["usd"] == 0


def test_a_gateways_page_is_no_google_error_and_hides_a_billed_answer(server, edit_by_gemini):
    always(server, "bare_server_error")
    with pytest.raises(errors.ServerError) as raised:
        edit_by_gemini()
    assert raised.value.code == 502
    assert "error" not in raised.value.details
    assert "<html>" in raised.value.message
    assert server.lines[-1]["usd"] > 0


@pytest.mark.parametrize(
    ("fault", "error", "billed"),
    [
        ("connection_reset", httpx2.ReadError, False),
        ("cut_body", httpx2.RemoteProtocolError, True),
        ("timeout", httpx2.ReadTimeout, True),
    ],
)
def test_broken_connections_are_billed_when_the_work_was_done(
    server, edit_by_gemini, fault, error, billed
):
    always(server, fault)
    with pytest.raises(error):
        edit_by_gemini(patience_s=1 if fault == "timeout" else None)
    line = server.lines[-1]
    assert (line["fault"], line["usd"] > 0) == (fault, billed)


def test_a_picture_may_be_a_jpeg_that_says_png(server, edit_by_gemini):
    always(server, "wrong_mime")
    data = image_of(edit_by_gemini())
    assert data.mime_type == "image/png"
    assert decode_image(data.data).format == "JPEG"
    assert b"not-ground-truth" in data.data


def test_a_picture_may_come_back_reframed(server, edit_by_gemini):
    always(server, "reframed")
    assert decode_image(image_of(edit_by_gemini()).data).image.shape == (56, 72, 3)


def test_a_picture_may_come_back_as_it_was_and_is_labelled_all_the_same(
    server, edit_by_gemini, picture
):
    always(server, "same_as_input")
    data = image_of(edit_by_gemini()).data
    assert (decode_image(data).image == picture).all()
    assert b"not-ground-truth" in data


def test_a_picture_may_be_damaged(server, edit_by_gemini):
    from ggt.errors import ImageReadError

    always(server, "undecodable")
    data = image_of(edit_by_gemini()).data
    with pytest.raises(ImageReadError):
        decode_image(data)
    assert b"not-ground-truth" in data
    assert server.lines[-1]["usd"] > 0


@pytest.mark.parametrize(
    ("aspect_ratio", "image_size", "word"),
    [("5:7", None, "aspect_ratio"), ("1:1", "3K", "image_size")],
)
def test_sizes_that_the_wire_has_not_are_refused_unbilled(
    server, gemini, png, aspect_ratio, image_size, word
):
    config = types.GenerateContentConfig(
        response_modalities=["IMAGE"],
        image_config=types.ImageConfig(aspect_ratio=aspect_ratio, image_size=image_size),
    )
    part = types.Part.from_bytes(data=png, mime_type="image/png")
    with pytest.raises(errors.ClientError, match=word) as raised:
        gemini.models.generate_content(model="m", contents=[part, "hello"], config=config)
    assert (raised.value.code, raised.value.status) == (400, "INVALID_ARGUMENT")
    assert (server.lines[-1]["usd"], server.lines[-1]["fault"]) == (0, "bad_request")


def test_a_file_that_is_no_picture_is_refused_unbilled(server, edit_by_gemini):
    with pytest.raises(errors.ClientError, match="Unable to process input image"):
        edit_by_gemini(data=b"no picture at all")
    assert server.lines[-1]["usd"] == 0


def test_another_key_is_refused_and_never_written_down(server):
    from google import genai

    options = types.HttpOptions(base_url=server.url, api_version="v1", timeout=20_000)
    with (
        genai.Client(api_key="AIza-stolen", http_options=options) as client,
        pytest.raises(errors.ClientError) as raised,
    ):
        client.models.generate_content(model="gemini-3.1-flash-image", contents="hello")
    assert raised.value.code == 400
    assert details(raised.value)["ErrorInfo"]["reason"] == "API_KEY_INVALID"
    line = server.lines[-1]
    assert (line["fault"], line["usd"], line["model"]) == (
        "key_invalid",
        0,
        "gemini-3.1-flash-image",
    )
    assert line["key_hash"] != server.lines[0]["key_hash"]
    assert "stolen" not in server.bill.read_text(encoding="utf-8")


def test_a_colon_may_be_encoded_and_other_methods_do_not_exist(server):
    import httpx

    body = {"contents": [{"parts": [{"text": "hello"}]}]}
    key = {"x-goog-api-key": "simulated"}
    replies = {
        call: httpx.post(f"{server.url}/v1beta/models/some{call}", json=body, headers=key)
        for call in ("%3AgenerateContent", ":generateContent", ":streamGenerateContent")
    }
    assert [reply.status_code for reply in replies.values()] == [200, 200, 400]
    without = httpx.post(f"{server.url}/v1/models/some:generateContent", json=body)
    assert without.status_code == 403
    assert without.json()["error"]["status"] == "PERMISSION_DENIED"
