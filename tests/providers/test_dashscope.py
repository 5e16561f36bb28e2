"""Model Studio over a server that plays it: requests that wait for the picture, and tasks that are asked for."""

import asyncio
import base64

import pytest

from ggt.models import Usage
from ggt.providers import (
    Connection,
    EditRequest,
    InDoubtError,
    InvalidRequestError,
    Pending,
    ProviderStopError,
    RateLimitedError,
    UnbilledError,
)
from ggt.providers.dashscope import PLUGIN
from model_rows import row
from providers.vendor_server import Answer, closed_port, echo, vendor

KEY = "dash-key-of-the-tests-0123456789"
PICTURE = b"\x89PNG what the model made"
INPUT = b"\x89PNG the photo"
IN_TASKS = {
    "parameters": {"X-DashScope-Async": "enable"},
    "accepts": ("X-DashScope-Async", "size"),
}


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def request_(tmp_path):
    image = tmp_path / "lq.png"
    image.write_bytes(INPUT)
    return EditRequest("remove the rain", image, width=1024, height=768, seed=7)


def use(base_url, action, **changes):
    async def run():
        model = row(provider="dashscope", id="qwen-image-edit", key_variable=None, **changes)
        async with PLUGIN.open(Connection(model, base_url, KEY)) as client:
            assert client.answer is None
            return await action(client)

    return asyncio.run(run())


def edit(base_url, request, **changes):
    return use(base_url, lambda client: client.edit(request, "send-1"), **changes)


def poll(base_url, remote_id, **changes):
    return use(base_url, lambda client: client.poll(remote_id), **changes)


def content(*parts, reason="stop"):
    message = {"role": "assistant", "content": list(parts)}
    return {"choices": [{"finish_reason": reason, "message": message}]}


def result(output, **more):
    usage = {"image_count": 1, "width": 1024, "height": 768}
    return Answer({"output": output, "usage": usage, "request_id": "req-1", **more})


def failed(code, message="no", **options):
    return Answer({"code": code, "message": message, "request_id": "req-1"}, **options)


def task(status, **more):
    return result({"task_id": "t-1", "task_status": status, **more})


def test_one_request_waits_for_one_picture_and_is_then_fetched(request_):
    def play(sent):
        if sent.method == "GET":
            return Answer(PICTURE)
        return result(content({"image": f"http://{sent.headers['host']}/made.png?sig=1"}))

    with vendor(play) as dash:
        pending = edit(dash.url, request_)
        assert pending == Pending(f"image {dash.url}/made.png?sig=1 req-1")
        assert len(dash.sent) == 1
        reply = poll(dash.url, pending.remote_id)
    asked, fetched = dash.sent
    assert (asked.method, asked.path) == (
        "POST",
        "/api/v1/services/aigc/multimodal-generation/generation",
    )
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert "x-dashscope-async" not in asked.headers
    picture = f"data:image/png;base64,{base64.b64encode(INPUT).decode()}"
    assert asked.json() == {
        "model": "qwen-image-edit",
        "input": {
            "messages": [
                {"role": "user", "content": [{"image": picture}, {"text": "remove the rain"}]}
            ]
        },
        "parameters": {"n": 1, "watermark": False, "seed": 7},
    }
    assert KEY not in str(fetched.headers)
    assert (reply.kind, reply.body) == ("image", PICTURE)
    assert reply.usage == Usage(num_images=1)
    assert (reply.version, reply.request_id) == ("qwen-image-edit", "req-1")


def test_a_row_with_tasks_submits_one(request_):
    with vendor(task("PENDING")) as dash:
        assert edit(dash.url, request_, **IN_TASKS) == Pending("task t-1")
    (sent,) = dash.sent
    assert sent.path == "/api/v1/services/aigc/image-generation/generation"
    assert sent.headers["x-dashscope-async"] == "enable"
    assert sent.json()["parameters"] == {
        "n": 1,
        "watermark": False,
        "size": "1024*768",
        "seed": 7,
    }


def test_a_rows_parameters_are_sent_and_replace_ours(request_):
    parameters = {"prompt_extend": False, "watermark": True, "negative_prompt": "blurry"}
    with vendor(task("PENDING")) as dash:
        edit(
            dash.url,
            EditRequest("x", request_.image, width=8, height=8),
            parameters=parameters,
            accepts=tuple(parameters),
        )
    assert dash.sent[0].json()["parameters"] == {
        "n": 1,
        "watermark": True,
        "prompt_extend": False,
        "negative_prompt": "blurry",
    }


def test_a_task_is_asked_for_by_its_id_and_fetched_when_it_is_done():
    def play(sent):
        if sent.path == "/made.png":
            return Answer(PICTURE)
        at = f"http://{sent.headers['host']}/made.png"
        return task("SUCCEEDED", **content({"type": "image", "image": at}))

    with vendor(play) as dash:
        reply = poll(dash.url, "task t-1", **IN_TASKS)
    assert (reply.kind, reply.body, reply.usage) == ("image", PICTURE, Usage(num_images=1))
    assert reply.request_id == "req-1"
    asked, fetched = dash.sent
    assert (asked.method, asked.path) == ("GET", "/api/v1/tasks/t-1")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    # With this header a question for a task is refused.
    assert "x-dashscope-async" not in asked.headers
    assert KEY not in str(fetched.headers)


def test_a_task_id_cannot_lead_elsewhere():
    with vendor(task("RUNNING")) as dash:
        poll(dash.url, "task ../../other?x=1")
    assert dash.sent[0].path == "/api/v1/tasks/..%2F..%2Fother%3Fx%3D1"


@pytest.mark.parametrize("status", ["PENDING", "RUNNING", "SUSPENDED"])
def test_a_task_at_work_is_none(status):
    with vendor(task(status)) as dash:
        assert poll(dash.url, "task t-1") is None


MODERATION = [
    ("Input data may contain inappropriate content.", "prompt"),
    ("Output data may contain inappropriate content.", "output"),
    ("Input or output data may contain inappropriate content.", "prompt"),
]


@pytest.mark.parametrize(("message", "stage"), MODERATION)
def test_moderation_is_an_outcome_of_a_request(request_, message, stage):
    with vendor(failed("DataInspectionFailed", message, status=400)) as dash:
        reply = edit(dash.url, request_)
    assert (reply.kind, reply.at, reply.code) == ("refused", stage, "DataInspectionFailed")
    assert (reply.detail, reply.request_id, reply.usage) == (message, "req-1", None)


@pytest.mark.parametrize(("message", "stage"), MODERATION)
def test_moderation_is_an_outcome_of_a_task(message, stage):
    with vendor(task("FAILED", code="DataInspectionFailed", message=message)) as dash:
        reply = poll(dash.url, "task t-1")
    assert (reply.kind, reply.at, reply.code) == ("refused", stage, "DataInspectionFailed")
    assert (reply.detail, reply.request_id) == (message, "req-1")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (task("FAILED", code="InternalError.Algo", message="oh"), "InternalError.Algo"),
        (task("FAILED"), "FAILED"),
        (task("CANCELED"), "CANCELED"),
    ],
)
def test_a_task_that_was_not_done_is_no_image_and_costs_nothing(answer, code):
    with vendor(answer) as dash:
        reply = poll(dash.url, "task t-1")
    assert (reply.kind, reply.code, reply.usage) == ("no_image", code, None)


def test_a_task_that_is_not_known_any_more_is_in_doubt():
    with vendor(task("UNKNOWN")) as dash, pytest.raises(InDoubtError, match="no longer knows"):
        poll(dash.url, "task t-1")


def test_words_instead_of_a_picture_are_no_image(request_):
    with vendor(result(content({"text": "I cannot do that."}, reason="length"))) as dash:
        reply = edit(dash.url, request_)
    assert (reply.kind, reply.code, reply.detail) == ("no_image", "length", "I cannot do that.")


def test_a_task_that_succeeded_without_a_picture_is_no_image():
    with vendor(task("SUCCEEDED", choices=[])) as dash:
        reply = poll(dash.url, "task t-1")
    assert (reply.kind, reply.detail) == ("no_image", "no picture in the answer")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(status=403), InDoubtError),
        (Answer(status=500), UnbilledError),
        (Answer(b"half", fault="cut"), UnbilledError),
    ],
)
def test_a_picture_that_does_not_come_is_fetched_again_unless_it_is_gone(answer, error):
    with vendor(answer) as dash, pytest.raises(error) as caught:
        poll(dash.url, f"image {dash.url}/made.png req-1")
    assert type(caught.value) is error


def test_a_picture_is_not_fetched_from_where_anybody_could_change_it():
    with vendor(Answer(PICTURE)) as dash, pytest.raises(InDoubtError, match="not https"):
        poll(dash.url, "image http://elsewhere.test/made.png req-1")


@pytest.mark.parametrize(
    ("answer", "error", "scope"),
    [
        (failed("InvalidApiKey", status=401), ProviderStopError, "key"),
        (failed("AccessDenied", status=403), ProviderStopError, "key"),
        (failed("AccessDenied.Unpurchased", status=403), ProviderStopError, "account"),
        (failed("Arrearage", status=400), ProviderStopError, "spend"),
        (failed("AllocationQuota.FreeTierOnly", status=403), ProviderStopError, "spend"),
        (failed("Throttling.RateQuota", status=429), RateLimitedError, "minute"),
        (failed("Throttling.AllocationQuota", status=429), RateLimitedError, "minute"),
        (failed("InvalidParameter", status=400), InvalidRequestError, None),
        (failed("ModelNotFound", status=404), InvalidRequestError, None),
        (failed("InternalError", status=500), RateLimitedError, "capacity"),
        (failed("ModelServingError", status=503), RateLimitedError, "capacity"),
        (Answer("<html>", status=503), InDoubtError, None),
        (failed("Timeout", status=504), InDoubtError, None),
        (Answer("not JSON"), InDoubtError, None),
        (Answer({"request_id": "req-1"}), InDoubtError, None),
        (Answer(fault="reset"), InDoubtError, None),
    ],
)
@pytest.mark.parametrize("mode", [{}, IN_TASKS])
def test_what_a_failed_request_means_for_the_bill(request_, answer, error, scope, mode):
    with vendor(answer) as dash, pytest.raises(error) as caught:
        edit(dash.url, request_, **mode)
    assert type(caught.value) is error
    assert getattr(caught.value, "scope", None) == scope
    assert len(dash.sent) == 1


def test_a_vendor_that_is_not_reached_sends_no_bill(request_):
    with pytest.raises(UnbilledError):
        edit(closed_port(), request_)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (failed("Throttling", status=429, headers={"Retry-After": "4"}), RateLimitedError),
        (failed("InternalError", status=500), UnbilledError),
        (Answer("<html>"), UnbilledError),
        (failed("InvalidApiKey", status=401), ProviderStopError),
        (failed("Arrearage", status=400), ProviderStopError),
        (failed("InvalidParameter", status=400), InDoubtError),
        (Answer(fault="reset"), UnbilledError),
    ],
)
def test_what_a_failed_question_means(answer, error):
    with vendor(answer) as dash, pytest.raises(error) as caught:
        poll(dash.url, "task t-1")
    assert type(caught.value) is error


@pytest.mark.parametrize("code", ["InvalidParameter", "DataInspectionFailed"])
def test_a_vendor_that_echoes_what_it_got_gives_no_key_and_no_picture_away(request_, code):
    request_.image.write_bytes(INPUT * 50)
    with vendor(lambda sent: failed(code, echo(sent), status=400)) as dash:
        try:
            text = repr(edit(dash.url, request_))
        except InvalidRequestError as error:
            text = str(error)
    assert code in text
    assert KEY not in text
    assert base64.b64encode(INPUT * 50).decode()[:40] not in text


def test_a_result_that_echoes_the_key_does_not_give_it_away():
    output = {"task_id": KEY, "task_status": "FAILED", "code": KEY, "message": f"for {KEY}"}
    answer = Answer({"output": output, "request_id": KEY})
    with vendor(answer) as dash:
        assert KEY not in repr(poll(dash.url, "task t-1"))


def test_the_plugin_says_which_variables_it_reads():
    assert (PLUGIN.key_variable, PLUGIN.base_url_variable) == (
        "DASHSCOPE_API_KEY",
        "GGT_DASHSCOPE_BASE_URL",
    )
