"""What the SDKs' wires share: delays, pictures, what a failure below HTTP means."""

import email.utils
import time

import anyio
import httpx2
import pytest

from ggt.providers import InDoubtError, InvalidRequestError, UnbilledError
from ggt.providers._wire import delay_s, from_base64, transport_failure


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0.0),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": "soon"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, 0.0),
        ({"retry-after": "inf"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_a_delay_is_read_as_servers_write_it(headers, seconds):
    assert delay_s(httpx2.Headers(headers)) == seconds


def test_a_delay_may_be_a_date():
    soon = email.utils.formatdate(time.time() + 60, usegmt=True)
    assert 55 < delay_s({"retry-after": soon}) <= 60


@pytest.mark.parametrize(
    ("text", "data"),
    [
        ("+/+/", b"\xfb\xff\xbf"),
        ("-_-_", b"\xfb\xff\xbf"),
        ("QUJD\nREVG\n", b"ABCDEF"),
        ("QUJ", b""),
        ("not base64!", b""),
        ("", b""),
    ],
)
def test_base64_is_read_in_both_alphabets_and_never_half(text, data):
    assert from_base64(text) == data


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx2.ConnectError("refused"), UnbilledError),
        (httpx2.ConnectTimeout(""), UnbilledError),
        (httpx2.PoolTimeout(""), UnbilledError),
        (httpx2.ProxyError("407"), UnbilledError),
        (httpx2.UnsupportedProtocol("no scheme"), InvalidRequestError),
        (httpx2.InvalidURL("no"), InvalidRequestError),
        (httpx2.WriteError("reset"), InDoubtError),
        (httpx2.WriteTimeout(""), InDoubtError),
        (httpx2.ReadTimeout(""), InDoubtError),
        (httpx2.RemoteProtocolError("cut"), InDoubtError),
        (httpx2.DecodingError("gzip"), InDoubtError),
        (anyio.EndOfStream(), InDoubtError),
        (OSError("disk"), InDoubtError),
        (None, InDoubtError),
    ],
)
def test_only_what_never_left_is_free(error, kind):
    assert type(transport_failure(error, None)) is kind


def test_a_failure_below_http_does_not_show_the_key():
    shown = transport_failure(httpx2.LocalProtocolError("Illegal header b'Bearer abc 1'"), "abc 1")
    assert "abc 1" not in str(shown)
