"""The exchange that the providers without an SDK share: one request, and what its failure means for the bill."""

import asyncio
import email.utils
import socket
import time

import pytest

from ggt.errors import UsageError
from ggt.providers import (
    Connection,
    InDoubtError,
    InvalidRequestError,
    ProviderStopError,
    RateLimitedError,
    UnbilledError,
)
from ggt.providers._http import (
    Dialect,
    Line,
    Stated,
    Wire,
    download,
    failure_of,
    get,
    is_https,
    may_carry_key,
    open_line,
    png_base64,
    poll_error,
    post,
    read_json,
    refused,
    same_origin,
    send_error,
)
from model_rows import row
from providers.vendor_server import Answer, closed_port, vendor

KEY = "key-of-the-tests-0123456789"


class Error(Wire):
    code: str
    message: str = ""


def read_error(body):
    error = read_json(Error, body)
    return Stated(error.code, error.message, "r-1") if error else None


DIALECT = Dialect(
    "Acme",
    read_error,
    domain="acme.test",
    refusals={"Moderated": "output"},
    limits={"Throttled": "minute", "Overloaded": "capacity"},
    stops={"Arrears": "spend", "Daily": "day"},
    free_statuses=frozenset({500, 503}),
)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def use(base_url, action, *, timeout_s=5.0, key=KEY):
    """Open a line, run `action(line)`, close it."""

    async def run():
        connection = Connection(row(timeout_s=timeout_s), base_url, key)
        async with open_line(
            connection, DIALECT, key_variable="ACME_KEY", base_url="https://api.acme.test"
        ) as line:
            return await action(line)

    return asyncio.run(run())


def send(line):
    return post(line, "/make", body={"a": 1}, headers={"x-key": KEY})


def ask(line):
    return get(line, f"{line.base_url}/ask", headers={"x-key": KEY})


def test_opening_sends_nothing():
    async def nothing(line):
        return None

    with vendor(Answer()) as server:
        use(server.url, nothing)
    assert server.sent == []


def test_a_post_is_one_request_with_the_body_as_json():
    with vendor(Answer({"ok": True})) as server:
        answer = use(server.url + "/", send)
    assert (answer.status, answer.body) == (200, b'{"ok": true}')
    assert [(sent.method, sent.path, sent.json()) for sent in server.sent] == [
        ("POST", "/make", {"a": 1})
    ]
    assert server.sent[0].headers["content-type"] == "application/json"


def test_the_vendors_own_address_is_used_when_none_is_given():
    async def address(line):
        return line.base_url

    assert use(None, address) == "https://api.acme.test"


@pytest.mark.parametrize("address", ["api.acme.test", "ftp://acme.test", "https://", "http://[x"])
def test_an_address_that_is_none_is_the_users_mistake(address):
    with pytest.raises(UsageError, match="is no address"):
        use(address, ask)


def test_a_missing_key_stops_before_anything_is_sent():
    with vendor(Answer()) as server, pytest.raises(ProviderStopError) as caught:
        use(server.url, send, key=None)
    assert (caught.value.scope, server.sent) == ("key", [])


@pytest.mark.parametrize("value", ["half a character: \ud800", float("nan")])
def test_what_is_no_json_is_not_sent(value):
    with vendor(Answer()) as server, pytest.raises(InvalidRequestError, match="cannot be sent"):
        use(server.url, lambda line: post(line, "/make", body={"a": value}, headers={}))
    assert server.sent == []


def test_a_refused_connection_is_unbilled():
    with pytest.raises(UnbilledError, match="not reached"):
        use(closed_port(), send)


def test_a_name_that_does_not_resolve_is_unbilled(monkeypatch):
    def unknown(*arguments, **options):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(UnbilledError, match="not reached"):
        use("http://acme.invalid", send)


def test_a_connection_that_is_not_made_in_time_is_unbilled():
    # A listener whose queue is full takes no further connection and refuses none.
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        with pytest.raises(UnbilledError, match="ConnectTimeout"):
            use(f"http://127.0.0.1:{full.getsockname()[1]}", send, timeout_s=1.0)
        for one in waiting:
            one.close()


@pytest.mark.parametrize("fault", ["reset", "closed", "cut"])
def test_a_lost_connection_after_sending_is_in_doubt(fault):
    with vendor(Answer(b"half", fault=fault)) as server, pytest.raises(InDoubtError):
        use(server.url, send)
    assert len(server.sent) == 1


def test_a_silent_vendor_leaves_the_send_in_doubt():
    with (
        vendor(Answer(fault="silence", delay_s=5)) as server,
        pytest.raises(InDoubtError, match=r"did not answer in 0\.3 s"),
    ):
        use(server.url, send, timeout_s=0.3)
    assert len(server.sent) == 1


def test_an_answer_that_trickles_is_not_waited_for_beyond_the_rows_time():
    answer = Answer(b"x" * 200, fault="trickle", delay_s=10)
    began = time.monotonic()
    with vendor(answer) as server, pytest.raises(InDoubtError):
        use(server.url, send, timeout_s=0.5)
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("fault", ["reset", "closed", "cut"])
def test_a_question_for_a_result_may_be_asked_again_whatever_happens(fault):
    with vendor(Answer(b"half", fault=fault)) as server, pytest.raises(UnbilledError):
        use(server.url, ask)


def test_a_question_to_a_silent_vendor_may_be_asked_again():
    with vendor(Answer(fault="silence", delay_s=5)) as server, pytest.raises(UnbilledError):
        use(server.url, ask, timeout_s=0.3)


def test_redirects_are_not_followed():
    with vendor(Answer(status=307, headers={"Location": "/other"})) as server:
        answer = use(server.url, send)
    assert (answer.status, len(server.sent)) == (307, 1)


def test_no_connection_is_used_twice():
    async def twice(line):
        await send(line)
        await send(line)

    with vendor(Answer({"ok": True})) as server:
        use(server.url, twice)
    assert len({sent.port for sent in server.sent}) == 2


def meaning(answer, judge=send_error):
    """Name what an answer means: the error's class, its scope, its delay."""

    async def judged(line):
        return judge(line, failure_of(line, await send(line)))

    with vendor(answer) as server:
        error = use(server.url, judged)
    return type(error), getattr(error, "scope", None), getattr(error, "delay_s", None)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(status=401), (ProviderStopError, "key", None)),
        (Answer(status=403), (ProviderStopError, "key", None)),
        (Answer(status=402), (ProviderStopError, "spend", None)),
        (Answer({"code": "Arrears"}, status=400), (ProviderStopError, "spend", None)),
        (Answer({"code": "Daily.Pictures"}, status=429), (ProviderStopError, "day", None)),
        (Answer(status=429), (RateLimitedError, "minute", 0.0)),
        (
            Answer(status=429, headers={"Retry-After": "7"}),
            (RateLimitedError, "minute", 7.0),
        ),
        (
            Answer({"code": "Overloaded"}, status=429, headers={"Retry-After": "2.5"}),
            (RateLimitedError, "capacity", 2.5),
        ),
        (Answer({"code": "Throttled.Rate"}, status=400), (RateLimitedError, "minute", 0.0)),
        (Answer({"code": "Wrong"}, status=400), (InvalidRequestError, None, None)),
        (Answer(status=404), (InvalidRequestError, None, None)),
        (Answer(status=422), (InvalidRequestError, None, None)),
        (Answer(status=302), (InvalidRequestError, None, None)),
        (Answer(status=408), (InDoubtError, None, None)),
        (Answer({"code": "Internal"}, status=500), (RateLimitedError, "capacity", 0.0)),
        (Answer("<html>", status=503), (InDoubtError, None, None)),
        (Answer({"code": "Internal"}, status=502), (InDoubtError, None, None)),
        (Answer({"code": "Internal"}, status=504), (InDoubtError, None, None)),
    ],
)
def test_what_a_status_and_a_code_mean_for_the_bill(answer, expected):
    assert meaning(answer) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(status=401), (ProviderStopError, "key", None)),
        (Answer({"code": "Arrears"}, status=400), (ProviderStopError, "spend", None)),
        (
            Answer(status=429, headers={"Retry-After": "3"}),
            (RateLimitedError, "minute", 3.0),
        ),
        (Answer(status=404), (InDoubtError, None, None)),
        (Answer(status=400), (InDoubtError, None, None)),
        (Answer(status=408), (UnbilledError, None, 0.0)),
        (Answer(status=500), (UnbilledError, None, 0.0)),
        (Answer(status=502), (UnbilledError, None, 0.0)),
        (Answer("not JSON"), (UnbilledError, None, 0.0)),
    ],
)
def test_what_a_failed_question_for_a_result_means(answer, expected):
    assert meaning(answer, poll_error) == expected


def test_a_delay_may_be_stated_as_a_date():
    at = email.utils.formatdate(time.time() + 60, usegmt=True)
    _, _, delay_s = meaning(Answer(status=429, headers={"Retry-After": at}))
    assert 55 < delay_s <= 60


def test_a_code_for_moderation_makes_a_reply():
    async def judged(line):
        return refused(line, failure_of(line, await send(line)))

    with vendor(Answer({"code": "Moderated.Face", "message": "no"}, status=400)) as server:
        reply = use(server.url, judged)
    assert (reply.kind, reply.at, reply.code) == ("refused", "output", "Moderated.Face")
    assert (reply.detail, reply.request_id, reply.version) == ("no", "r-1", "test-model-1")
    assert reply.usage is None


def test_no_error_text_holds_the_key_or_a_picture():
    message = f"denied for {KEY}: {'iVBORw0KGgo' * 40}"

    async def judged(line):
        return str(send_error(line, failure_of(line, await send(line))))

    with vendor(Answer({"code": "Wrong", "message": message}, status=400)) as server:
        text = use(server.url, judged)
    assert text == "Acme answered 400 Wrong: denied for [key]: [data]"


def test_a_line_and_an_answer_do_not_show_key_and_body():
    async def shown(line):
        return repr(line) + repr(await send(line))

    with vendor(Answer("the picture")) as server:
        text = use(server.url, shown)
    assert KEY not in text
    assert "the picture" not in text


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://acme.test/ask", True),
        ("https://eu.api.acme.test/ask?id=1", True),
        ("http://127.0.0.1:99/ask", True),
        ("http://127.0.0.1:98/ask", False),
        ("https://127.0.0.1:99/ask", False),
        ("http://eu.acme.test/ask", False),
        ("https://evilacme.test/ask", False),
        ("https://acme.test.evil.test/ask", False),
        ("https://acme.test@evil.test/ask", False),
        ("https://evil.test/.acme.test", False),
        ("https://evil.test#.acme.test", False),
        ("https://evil.test\\.acme.test/", False),
        ("https://acme.test:99999/ask", False),
        (f"https://{'a' * 64}.acme.test/ask", False),
        ("https://..acme.test/ask", False),
        ("//acme.test/ask", False),
        ("", False),
        ("http://[", False),
    ],
)
def test_the_key_goes_to_the_vendors_own_hosts_only(url, allowed):
    line = Line(None, "http://127.0.0.1:99", row(), DIALECT, KEY)
    assert may_carry_key(line, url) is allowed


def test_origins_are_compared_with_their_usual_ports():
    assert same_origin("https://a.test:443/x", "https://A.test/y")
    assert not same_origin("https://a.test:444/x", "https://a.test/y")
    assert not same_origin("nonsense", "nonsense")
    assert is_https("https://a.test")
    assert not is_https("http://a.test")


def test_a_result_is_fetched_without_the_key_and_unchanged():
    picture = bytes(range(256))
    with vendor(Answer(picture)) as server:
        data = use(server.url, lambda line: download(line, f"{server.url}/result?sig=1"))
    assert data == picture
    assert KEY not in str(server.sent[0].headers)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_result_that_is_gone_is_in_doubt(status):
    with vendor(Answer(status=status)) as server, pytest.raises(InDoubtError, match="no longer"):
        use(server.url, lambda line: download(line, f"{server.url}/result"))


@pytest.mark.parametrize(
    "answer",
    [Answer(b""), Answer(status=500), Answer(status=302), Answer(b"half", fault="cut")],
)
def test_a_result_that_does_not_come_may_be_fetched_again(answer):
    with vendor(answer) as server, pytest.raises(UnbilledError):
        use(server.url, lambda line: download(line, f"{server.url}/result"))


@pytest.mark.parametrize("url", ["http://elsewhere.test/a.png", "file:///etc/passwd", "", "x"])
def test_a_result_is_fetched_over_https_only(url):
    with vendor(Answer(b"x")) as server, pytest.raises(InDoubtError, match="not https"):
        use(server.url, lambda line: download(line, url))
    assert server.sent == []


def test_a_body_without_an_end_is_not_read_to_the_end(monkeypatch):
    monkeypatch.setattr("ggt.providers._http._MOST_BYTES", 1000)
    with vendor(Answer(b"x" * 1001)) as server, pytest.raises(InDoubtError, match="1000 bytes"):
        use(server.url, send)
    with vendor(Answer(b"x" * 1000)) as server:
        assert len(use(server.url, send).body) == 1000


def test_a_picture_that_cannot_be_read_is_an_invalid_request(tmp_path):
    with pytest.raises(InvalidRequestError, match="cannot read"):
        asyncio.run(png_base64(tmp_path / "missing.png"))
