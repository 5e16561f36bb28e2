"""Where keys come from, and how texts are kept free of them."""

import os
import subprocess
import sys

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import InitError, KeyringLocked

from ggt.providers import Connection, ProviderStopError
from ggt.providers._keys import find_key, key_of, missing_key, redacted
from model_rows import row

VARIABLE = "GGT_TEST_KEY"
KEY = "a-key-of-no-known-form-4711"


class Kept(KeyringBackend):
    """A keyring in memory, which may be locked."""

    priority = 1

    def __init__(self, passwords=(), error=None):
        self.passwords = dict(passwords)
        self.error = error

    def get_password(self, service, username):
        if self.error:
            raise self.error
        return self.passwords.get((service, username))

    def set_password(self, service, username, password):
        self.passwords[service, username] = password

    def delete_password(self, service, username):
        del self.passwords[service, username]


@pytest.fixture(autouse=True)
def clean(monkeypatch):
    before = keyring.get_keyring()
    monkeypatch.delenv(VARIABLE, raising=False)
    yield
    keyring.set_keyring(before)


def test_the_environment_comes_before_the_keyring(monkeypatch):
    keyring.set_keyring(Kept({("ggt", VARIABLE): "kept"}))
    assert find_key(VARIABLE) == "kept"
    monkeypatch.setenv(VARIABLE, " stated\n")
    assert find_key(VARIABLE) == "stated"
    monkeypatch.setenv(VARIABLE, "  ")
    assert find_key(VARIABLE) == "kept"


def test_the_remedy_names_where_the_key_is_then_found():
    assert missing_key(VARIABLE) == (
        f"no key: `export {VARIABLE}=...`, or keep it with `keyring set ggt {VARIABLE}`"
    )
    keyring.set_keyring(Kept())
    keyring.set_password("ggt", VARIABLE, "kept")
    assert find_key(VARIABLE) == "kept"


@pytest.mark.parametrize(
    "backend",
    [
        fail.Keyring(),
        Kept(),
        Kept({("ggt", VARIABLE): ""}),
        Kept(error=KeyringLocked("locked")),
        Kept(error=InitError("no bus")),
        Kept(error=ConnectionRefusedError("no bus")),
    ],
)
def test_a_keyring_that_is_missing_locked_or_empty_has_no_key(backend):
    keyring.set_keyring(backend)
    assert find_key(VARIABLE) is None


def test_a_machine_without_a_keyring_says_nothing_about_it():
    code = f"from ggt.providers._keys import find_key; print(find_key({VARIABLE!r}))"
    kept = {"PATH", "HOME", "LANG"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name in kept},
        check=True,
    )
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_a_server_that_needs_no_key_is_sent_a_placeholder():
    assert key_of(Connection(row(key_variable=""), None, None), "USUAL") == "none"
    assert key_of(Connection(row(key_variable=""), None, f" {KEY}\n"), "USUAL") == KEY
    for variable, named in ((None, "USUAL"), ("OWN_KEY", "OWN_KEY")):
        with pytest.raises(ProviderStopError, match=f"export {named}=") as stopped:
            key_of(Connection(row(key_variable=variable), None, None), "USUAL")
        assert stopped.value.scope == "key"


@pytest.mark.parametrize("bad", ["two\nlines", "“quoted”", "null\0"])
def test_a_key_that_no_header_carries_is_named_without_being_shown(bad):
    with pytest.raises(ProviderStopError, match="USUAL") as stopped:
        key_of(Connection(row(key_variable=None), None, bad), "USUAL")
    assert bad not in str(stopped.value)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"bad key {KEY}, sorry", "bad key [key], sorry"),
        ("Incorrect API key provided: sk-ab12***wxyz.", "Incorrect API key provided: [key]"),
        ("sk-proj-abc_DEF-123 is gone", "[key] is gone"),
        ("Consumer 'api_key:AIzaSyA-0123456789abcdef' has", "Consumer '[key]' has"),
        ("AIzaSyA-0123456789abcdef", "[key]"),
        ("AQ.Ab8RN6L_0123456789", "[key]"),
        ("GET /v1/models?alt=json&key=secret&x=1", "GET /v1/models?alt=json&[key]&x=1"),
        ("Authorization: Bearer abc.def-ghi, next", "[key], next"),
        ('{"authorization": "Basic dXNlcjpwYXNz", "a": 1}', '{"[key]", "a": 1}'),
        ("x-goog-api-key: secret", "[key]"),
        ("X-Key=secret", "[key]"),
        ("sent bearer 0123456789abcdef on", "sent [key] on"),
        ("task-force: the risk-averse key is on the desk", None),
        ("1024x1024 is no size: sides are multiples of 16", None),
        (f"start {'QUJD' * 51} end", "start [data] end"),
        ("data:image/png;base64,iVBORw0KGgo= in field", "data:image/png;[data] in field"),
        ("A" * 200, None),
        ("A" * 201, "[data]"),
    ],
)
def test_keys_and_pictures_are_taken_out_and_all_else_stays(text, clean):
    assert redacted(text, KEY) == (text if clean is None else clean)


def test_a_text_is_cut_to_500_characters_after_it_was_cleaned():
    cleaned = redacted("word " * 99 + f"{KEY} {KEY}", KEY)
    assert len(cleaned) == 500
    assert cleaned.endswith("word [key…")
    assert redacted("x " * 250, None) == "x " * 250
