"""Black Forest Labs over servers that play it: submitted, asked for elsewhere, fetched from a third place."""

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
from ggt.providers.bfl import PLUGIN
from model_rows import row
from providers.vendor_server import Answer, closed_port, echo, vendor

KEY = "bfl-key-of-the-tests-0123456789"
PICTURE = b"\x89PNG what the model made"
INPUT = b"\x89PNG the photo"


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
        changes_ = {"accepts": ("aspect_ratio", "safety_tolerance")} | changes
        model = row(provider="bfl", id="flux-kontext-pro", key_variable=None, **changes_)
        async with PLUGIN.open(Connection(model, base_url, KEY)) as client:
            assert client.answer is None
            return await action(client)

    return asyncio.run(run())


def edit(base_url, request, **changes):
    return use(base_url, lambda client: client.edit(request, "send-1"), **changes)


def poll(base_url, remote_id, **changes):
    return use(base_url, lambda client: client.poll(remote_id), **changes)


def task(status, result=None, **more):
    return Answer({"id": "t-1", "status": status, "result": result, "progress": None, **more})


def playing(*, polled, fetched=None):
    """Play BFL on one server: submitting, asking and fetching by path."""

    def answer(sent):
        if sent.method == "POST":
            return Answer({"id": "t-1", "polling_url": f"{url[0]}/v1/get_result?id=t-1"})
        if sent.path.startswith("/v1/get_result"):
            return polled(url[0]) if callable(polled) else polled
        return fetched or Answer(PICTURE)

    url = []
    return answer, url


def served(**parts):
    answer, url = playing(**parts)
    server = vendor(answer)
    return server, url


def test_a_submission_is_one_request_and_names_where_to_ask(request_):
    server, url = served(polled=task("Pending"))
    with server as bfl:
        url.append(bfl.url)
        pending = edit(bfl.url, request_)
    (sent,) = bfl.sent
    assert pending == Pending(f"{bfl.url}/v1/get_result?id=t-1")
    assert (sent.method, sent.path) == ("POST", "/v1/flux-kontext-pro")
    assert sent.headers["x-key"] == KEY
    assert sent.json() == {
        "prompt": "remove the rain",
        "input_image": base64.b64encode(INPUT).decode(),
        "output_format": "png",
        "aspect_ratio": "4:3",
        "seed": 7,
    }


@pytest.mark.parametrize(
    ("accepts", "size"),
    [
        (("width", "height"), {"width": 1024, "height": 768}),
        (("width", "height", "aspect_ratio"), {"width": 1024, "height": 768}),
        (("aspect_ratio",), {"aspect_ratio": "4:3"}),
        ((), {}),
    ],
)
def test_the_size_is_asked_for_as_the_row_accepts_it(request_, accepts, size):
    answer = Answer({"id": "t", "polling_url": "https://api.us1.bfl.ai/v1/get_result?id=t"})
    with vendor(answer) as bfl:
        edit(bfl.url, request_, accepts=accepts)
    body = bfl.sent[0].json()
    assert {n: body[n] for n in ("width", "height", "aspect_ratio") if n in body} == size


def test_a_rows_parameters_are_sent_and_replace_ours(request_):
    parameters = {"safety_tolerance": 4, "output_format": "jpeg"}
    answer = Answer({"id": "t", "polling_url": "https://api.bfl.ai/v1/get_result?id=t"})
    with vendor(answer) as bfl:
        edit(bfl.url, request_, parameters=parameters, accepts=tuple(parameters))
    body = bfl.sent[0].json()
    assert (body["safety_tolerance"], body["output_format"]) == (4, "jpeg")


def test_another_process_needs_the_remote_id_only(request_):
    server, url = served(polled=lambda at: task("Ready", {"sample": f"{at}/made.png?sig=1"}))
    with server as bfl:
        url.append(bfl.url)
        pending = edit(bfl.url, request_)
        reply = poll(bfl.url, pending.remote_id)
    assert (reply.kind, reply.body) == ("image", PICTURE)
    assert reply.usage == Usage(num_images=1)
    assert (reply.version, reply.request_id) == ("flux-kontext-pro", "t-1")
    assert [sent.path for sent in bfl.sent] == [
        "/v1/flux-kontext-pro",
        "/v1/get_result?id=t-1",
        "/made.png?sig=1",
    ]
    assert bfl.sent[1].headers["x-key"] == KEY
    assert KEY not in str(bfl.sent[2].headers)


@pytest.mark.parametrize("status", ["Pending", "Queued", "Reasoning"])
def test_a_task_at_work_is_none(status):
    with vendor(task(status)) as bfl:
        assert poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1") is None


@pytest.mark.parametrize(
    ("status", "stage"), [("Request Moderated", "prompt"), ("Content Moderated", "output")]
)
def test_moderation_is_an_outcome(status, stage):
    reasons = {"Moderation Reasons": ["Derivative Works Filter"]}
    with vendor(task(status, details=reasons)) as bfl:
        reply = poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1")
    assert (reply.kind, reply.at, reply.code) == ("refused", stage, status)
    assert reply.detail == '{"Moderation Reasons": ["Derivative Works Filter"]}'
    assert (reply.usage, reply.request_id) == (None, "t-1")


def test_a_task_that_failed_is_no_image_and_costs_nothing():
    with vendor(task("Error", details={"error": "out of memory"})) as bfl:
        reply = poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1")
    assert (reply.kind, reply.code, reply.usage) == ("no_image", "Error", None)
    assert "out of memory" in reply.detail


@pytest.mark.parametrize("result", [None, {}, {"sample": None}])
def test_a_task_that_is_ready_without_a_picture_is_no_image(result):
    with vendor(task("Ready", result)) as bfl:
        assert poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1").kind == "no_image"


@pytest.mark.parametrize("status", [200, 404])
def test_a_task_that_is_not_known_any_more_is_in_doubt(status):
    answer = Answer({"id": "t-1", "status": "Task not found"}, status=status)
    with vendor(answer) as bfl, pytest.raises(InDoubtError, match="no longer knows"):
        poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1")


@pytest.mark.parametrize(
    ("fetched", "error"),
    [
        (Answer(status=403), InDoubtError),
        (Answer(status=404), InDoubtError),
        (Answer(status=500), UnbilledError),
        (Answer(b"half", fault="cut"), UnbilledError),
        (Answer(b""), UnbilledError),
    ],
)
def test_a_picture_that_does_not_come_is_fetched_again_unless_it_is_gone(fetched, error):
    server, url = served(
        polled=lambda at: task("Ready", {"sample": f"{at}/made.png"}), fetched=fetched
    )
    with server as bfl:
        url.append(bfl.url)
        with pytest.raises(error) as caught:
            poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1")
    assert type(caught.value) is error


@pytest.mark.parametrize(
    "polling_url",
    [
        "http://api.us1.bfl.ai/v1/get_result?id=t",
        "https://bfl.ai.evil.test/v1/get_result?id=t",
        "https://evilbfl.ai/v1/get_result?id=t",
        "https://api.bfl.ai@evil.test/get_result?id=t",
    ],
)
def test_the_key_is_not_sent_to_whom_an_answer_names(request_, polling_url):
    with vendor(Answer({"id": "t", "polling_url": polling_url})) as bfl:
        with pytest.raises(InDoubtError, match="the key was not sent there"):
            edit(bfl.url, request_)
        with pytest.raises(InDoubtError, match="the key was not sent there"):
            poll(bfl.url, polling_url)
    assert len(bfl.sent) == 1


def test_another_server_on_the_same_machine_is_asked_nothing(request_):
    with vendor(task("Pending")) as other, vendor(Answer()) as bfl:
        bfl.answer = Answer({"id": "t", "polling_url": f"{other.url}/v1/get_result?id=t"})
        with pytest.raises(InDoubtError):
            edit(bfl.url, request_)
        assert other.sent == []


def test_a_region_of_bfl_may_be_asked(request_):
    at = "https://api.eu2.bfl.ai/v1/get_result?id=t"
    with vendor(Answer({"id": "t", "polling_url": at})) as bfl:
        assert edit(bfl.url, request_) == Pending(at)


@pytest.mark.parametrize(
    ("answer", "error", "scope"),
    [
        (Answer({"detail": "Not authenticated"}, status=403), ProviderStopError, "key"),
        (Answer({"detail": "Insufficient credits"}, status=402), ProviderStopError, "spend"),
        (Answer({"detail": "Too many tasks"}, status=429), RateLimitedError, "minute"),
        (Answer({"detail": "Bad Request"}, status=400), InvalidRequestError, None),
        (Answer({"detail": "Internal error"}, status=500), RateLimitedError, "capacity"),
        (Answer({"detail": "Overloaded"}, status=503), RateLimitedError, "capacity"),
        (Answer("<html>", status=503), InDoubtError, None),
        (Answer({"detail": "Bad gateway"}, status=502), InDoubtError, None),
        (Answer("not JSON"), InDoubtError, None),
        (Answer({"id": "t-1"}), InDoubtError, None),
        (Answer(fault="reset"), InDoubtError, None),
    ],
)
def test_what_a_failed_submission_means_for_the_bill(request_, answer, error, scope):
    with vendor(answer) as bfl, pytest.raises(error) as caught:
        edit(bfl.url, request_)
    assert type(caught.value) is error
    assert getattr(caught.value, "scope", None) == scope
    assert len(bfl.sent) == 1


def test_an_invalid_field_is_named(request_):
    detail = [{"loc": ["body", "seed"], "msg": "too small", "type": "x", "input": "…"}]
    answer = Answer({"detail": detail}, status=422)
    with vendor(answer) as bfl, pytest.raises(InvalidRequestError) as caught:
        edit(bfl.url, request_)
    assert str(caught.value) == "BFL answered 422: body.seed: too small"


def test_a_vendor_that_is_not_reached_sends_no_bill(request_):
    with pytest.raises(UnbilledError):
        edit(closed_port(), request_)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer({"detail": "slow down"}, status=429), RateLimitedError),
        (Answer({"detail": "oh"}, status=500), UnbilledError),
        (Answer("<html>"), UnbilledError),
        (Answer({"detail": "no"}, status=403), ProviderStopError),
        (Answer({"detail": "no"}, status=422), InDoubtError),
        (Answer(fault="reset"), UnbilledError),
    ],
)
def test_what_a_failed_question_means(answer, error):
    with vendor(answer) as bfl, pytest.raises(error) as caught:
        poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1")
    assert type(caught.value) is error


def test_a_vendor_that_echoes_what_it_got_gives_no_key_and_no_picture_away(request_):
    request_.image.write_bytes(INPUT * 50)

    def careless(sent):
        return Answer({"detail": echo(sent)}, status=400)

    with vendor(careless) as bfl, pytest.raises(InvalidRequestError) as caught:
        edit(bfl.url, request_)
    assert KEY not in str(caught.value)
    assert base64.b64encode(INPUT * 50).decode()[:40] not in str(caught.value)


@pytest.mark.parametrize("status", ["Error", "Content Moderated", "Ready"])
def test_a_task_that_echoes_the_key_does_not_give_it_away(status):
    answer = Answer({"id": KEY, "status": status, "details": {"said": f"x-key {KEY}"}})
    with vendor(answer) as bfl:
        reply = poll(bfl.url, f"{bfl.url}/v1/get_result?id=t-1")
    assert KEY not in repr(reply)


def test_the_plugin_says_which_variables_it_reads():
    assert (PLUGIN.key_variable, PLUGIN.base_url_variable) == ("BFL_API_KEY", "GGT_BFL_BASE_URL")
