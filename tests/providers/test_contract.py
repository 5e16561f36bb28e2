"""What every provider promises."""

import contextlib
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ggt import plugins
from ggt.errors import GgtError
from ggt.models import models
from ggt.providers import Pending, Provider, ProviderStopError, Reply, SendError, UnbilledError
from model_rows import row
from providers.asking import (
    KEY,
    answer_request,
    ask,
    ask_at,
    careless,
    edit_request,
    few_certificates,
)
from providers.vendor_server import Answer, closed_port

NAMES = plugins.names("providers")
PLUGINS = {name: plugins.load("providers", name, Provider) for name in NAMES}
OVER_HTTP = [name for name, plugin in PLUGINS.items() if not plugin.repeatable]
HEAVY = ("torch", "diffusers", "transformers", "google.genai", "openai", "httpx2", "keyring")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", few_certificates(tmp_path))


def asked(name, **changes):
    return row(provider=name, key_variable=None, **changes)


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_says_where_its_wire_is_described_and_what_it_needs(name):
    plugin = PLUGINS[name]
    assert re.search(r"\w\.\w+/\w", plugin.source)
    for variable in (plugin.key_variable, plugin.base_url_variable):
        assert variable is None or re.fullmatch(r"[A-Z][A-Z0-9_]+", variable)
    assert plugin.key_variable or plugin.repeatable
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
    if plugin.packages:
        assert plugin.extra in project["project"]["optional-dependencies"]


def test_naming_all_providers_imports_no_sdk_and_no_keyring():
    code = (
        "import sys\n"
        "from ggt import plugins\n"
        "from ggt.providers import Provider\n"
        "for name in plugins.names('providers'): plugins.load('providers', name, Provider)\n"
        f"print([module for module in {HEAVY} if module in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_every_row_of_the_table_names_a_provider():
    assert {model.provider for model in models().values()} <= set(NAMES)


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_provider_without_its_key_says_how_to_state_it(name, tmp_path):
    variable = PLUGINS[name].key_variable
    with pytest.raises(ProviderStopError, match=f"export {variable}=") as stopped:
        ask_at(closed_port(), PLUGINS[name], asked(name), edit_request(tmp_path), key=None)
    assert stopped.value.scope == "key"


@pytest.mark.parametrize("name", OVER_HTTP)
def test_opening_and_closing_a_client_sends_nothing(name, tmp_path):
    _, sent = ask(PLUGINS[name], asked(name), None, Answer())
    assert sent == []


ANSWERS = {
    "text": lambda sent: Answer(careless(sent)),
    "empty": lambda sent: Answer({}),
    **{
        str(status): lambda sent, status=status: Answer(
            {"error": {"message": careless(sent)}, "message": careless(sent)}, status=status
        )
        for status in (204, 307, 400, 401, 403, 404, 418, 422, 429, 500, 502, 503, 504)
    },
    **{fault: lambda sent, fault=fault: Answer({}, fault=fault) for fault in ("reset", "closed")},
    "cut": lambda sent: Answer({"data": []}, fault="cut"),
    "silence": lambda sent: Answer(fault="silence", delay_s=20),
}


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("name", OVER_HTTP)
def test_whatever_comes_back_one_call_is_one_request_and_no_text_shows_the_key(
    name, what, tmp_path
):
    model = asked(name, timeout_s=0.6 if what == "silence" else 5.0)
    for request in (edit_request(tmp_path), answer_request(tmp_path)):
        outcome, sent = ask(PLUGINS[name], model, request, ANSWERS[what])
        if outcome is None:
            continue  # the wire has no such function
        assert isinstance(outcome, (Reply, Pending, SendError))
        assert len(sent) == 1
        assert KEY not in repr(outcome)
        assert not isinstance(outcome, Reply) or len(outcome.detail) <= 500


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_connection_that_is_refused_is_free(name, tmp_path):
    outcome = ask_at(closed_port(), PLUGINS[name], asked(name), edit_request(tmp_path))
    assert type(outcome) is UnbilledError


@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_connection_that_is_never_made_is_free_long_before_the_wait_for_an_answer_ends(
    name, tmp_path
):
    with socket.socket() as full, contextlib.ExitStack() as others:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(3):  # nobody accepts, so a fourth knock is not even answered
            other = others.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        url = f"http://127.0.0.1:{full.getsockname()[1]}"
        model = asked(name, timeout_s=2.0)
        outcome = ask_at(url, PLUGINS[name], model, edit_request(tmp_path))
    assert type(outcome) is UnbilledError


@pytest.mark.parametrize("name", OVER_HTTP)
def test_an_address_that_is_none_is_an_error_of_ours(name, tmp_path):
    with pytest.raises(GgtError, match="base_url"):
        ask_at("no address", PLUGINS[name], asked(name), edit_request(tmp_path))
