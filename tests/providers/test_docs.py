"""The examples of docs/add-a-provider.md work: the file against a real server, the row in the user's own table."""

import re

import pytest

from docs_examples import DOCS, example_plugin
from ggt.models import find_model
from ggt.providers import (
    InDoubtError,
    InvalidRequestError,
    Provider,
    ProviderStopError,
    RateLimitedError,
    UnbilledError,
)
from providers.asking import KEY, PICTURE, ask, ask_at, careless, edit_request
from providers.vendor_server import Answer, closed_port


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    page = (DOCS / "add-a-provider.md").read_text(encoding="utf-8")
    own = tmp_path / "models.toml"
    own.write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1], encoding="utf-8")
    monkeypatch.setenv("GGT_MODELS", str(own))


def test_the_example_asks_once_and_returns_what_came(tmp_path):
    plugin = example_plugin("add-a-provider.md")
    assert isinstance(plugin, Provider)
    model = find_model("example_restorer")
    outcome, (sent,) = ask(plugin, model, edit_request(tmp_path), Answer(PICTURE))
    assert (outcome.kind, outcome.body, outcome.version) == ("image", PICTURE, "restorer-1")
    assert (sent.path, sent.headers["authorization"]) == ("/restore", f"Bearer {KEY}")
    assert sent.headers["x-client-request-id"] == "send-1"
    assert b"Restore this photo." in sent.body
    assert b"0.5" in sent.body


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda sent: Answer(careless(sent), status=429), RateLimitedError),
        (lambda sent: Answer(careless(sent), status=401), ProviderStopError),
        (lambda sent: Answer(careless(sent), status=400), InvalidRequestError),
        (lambda sent: Answer(careless(sent), status=500), InDoubtError),
        (lambda sent: Answer("", status=307, headers={"Location": "/restore"}), InDoubtError),
        (lambda sent: Answer(b"cut", fault="cut"), InDoubtError),
        (lambda sent: Answer(fault="reset"), InDoubtError),
    ],
)
def test_the_example_says_what_a_failure_means(tmp_path, answer, kind):
    plugin = example_plugin("add-a-provider.md")
    outcome, sent = ask(plugin, find_model("example_restorer"), edit_request(tmp_path), answer)
    assert (type(outcome), len(sent)) == (kind, 1)
    assert KEY not in str(outcome)


def test_the_example_tells_that_nothing_left(tmp_path):
    plugin = example_plugin("add-a-provider.md")
    model = find_model("example_restorer")
    outcome = ask_at(closed_port(), plugin, model, edit_request(tmp_path))
    assert type(outcome) is UnbilledError
