"""Another party's server, `transformers serve`, as the judge of a real build: it ignores the schema and babbles."""

import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from ggt.stages.outcomes import for_people, pairs
from ggt.store.costs import each_send
from ggt.store.workspace import open_readonly
from rehearsal import NAMES, SIDE, write_photos
from simulated_provider import simulated_provider

pytestmark = pytest.mark.peers

WRITER = Path(__file__).with_name("tiny_vlm.py")
NAME = "tiny"
PATIENCE_S = 120
NUM_VOTES = 2
RECIPE = f"""
[ingest]
side = {SIDE}
set_aside_clean = false
[quality.align]
min_side = 192
[drift]
share = 0.0
"""
ROW = """
[tiny]
kind = "vlm"
title = "Random numbers in the form of a vlm"
provider = "openai"
id = "{name}"
base_url = "{url}/v1"
key_variable = ""
open_weights = true
choice = "ours"
licence = "none"
watermark = "none"
accepts = ["temperature"]
max_output_tokens = 48
timeout_s = 60
price = {{ as_of = 2026-11-26, source = "runs on this machine" }}
terms = {{ as_of = 2026-11-26, source = "made from configurations", may_train = "yes", note = "Random numbers." }}
"""


class Served:
    """A running server: its address, and the requests that its log has."""

    def __init__(self, url: str, log: Path) -> None:
        self.url = url
        self._log = log

    @property
    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def statuses(self) -> Counter:
        """How often a question was answered with which status."""
        return Counter(re.findall(r'"POST /v1/chat/completions HTTP/1\.1" (\d+)', self.said))


@contextmanager
def serve(python: str, folder: Path, environment: dict[str, str]):
    """Write the model below a folder and serve it there, on a port that the kernel picks."""
    subprocess.run(
        [python, str(WRITER), str(folder / NAME)],
        env=environment,
        check=True,
        capture_output=True,
        timeout=PATIENCE_S,
    )
    log = folder / "serve.log"
    words = ["serve", NAME, "--host", "127.0.0.1", "--port", "0", "--device", "cpu"]
    # `info`: the log has a line for every request, and the address.
    command = [str(Path(python).with_name("transformers")), *words, "--log-level", "info"]
    with (
        log.open("w") as file,
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            yield Served(address(process, log), log)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def address(process: subprocess.Popen, log: Path) -> str:
    """Wait until the server says where it listens."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        found = re.search(r"running on (http://127\.0\.0\.1:\d+)", log.read_text(errors="replace"))
        if found:
            return found[1]
        time.sleep(0.2)
    raise RuntimeError(
        f"transformers serve did not start: {log.read_text(errors='replace')[-2000:]}"
    )


@pytest.fixture(scope="module")
def served(peer_python, peer_environment, need, tmp_path_factory):
    need("transformers", "torch", "fastapi", "uvicorn")
    folder = tmp_path_factory.mktemp("served")
    with serve(peer_python, folder, peer_environment) as server:
        yield server


@pytest.fixture(scope="module")
def built(served, tmp_path_factory):
    """A build whose restorer is simulated and whose judge is the server; run twice."""
    folder = tmp_path_factory.mktemp("built")
    write_photos(folder)
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    (folder / "models.toml").write_text(ROW.format(name=NAME, url=served.url), encoding="utf-8")
    truths = {"truths": folder / "photos", "recipe": folder / "recipe.toml"}
    with simulated_provider(folder, faults="planted = { hue = 0.0 }\n", **truths) as provider:
        before = served.statuses
        done = build(folder, provider)
        between, billed = served.statuses, provider.lines
        again = build(folder, provider)
        assert provider.lines == billed
    asked = (between - before, served.statuses - between)
    return folder / "ws", (done, again), asked, billed


def build(folder, provider):
    command = [sys.executable, "-m", "ggt", "build", str(folder / "photos"), "--json"]
    command += ["--out", str(folder / "ws"), "--recipe", str(folder / "recipe.toml")]
    command += ["--restorer", "nano_banana_2", "--prompt", "fixed", "--budget", "20"]
    command += ["--judge", "vlm", "--vlm", "tiny", "--votes", str(NUM_VOTES)]
    env = {**os.environ, **provider.environment, "GGT_MODELS": str(folder / "models.toml")}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_the_server_answers_the_schema_with_something_else(served):
    question = {
        "model": NAME,
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Answer in JSON."}]}],
        "max_completion_tokens": 16,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "strict": True, "schema": {"type": "object"}},
        },
    }
    reply = httpx.post(f"{served.url}/v1/chat/completions", json=question, timeout=60)
    assert reply.status_code == 200
    choice = reply.json()["choices"][0]
    assert choice["finish_reason"] == "length"
    with pytest.raises(json.JSONDecodeError):
        json.loads(choice["message"]["content"])
    assert "Ignoring unsupported fields in the request: {'response_format'}" in served.said


def test_a_build_with_a_babbling_judge_ends_well_and_accepts_nothing(built):
    workspace, (done, _), _, _ = built
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    fates = {(f["stage"], f["reason"]): f["count"] for f in json.loads(done.stdout)["fates"]}
    assert fates == {("review", "unjudged, waits for people"): len(NAMES)}
    with open_readonly(workspace) as reading:
        assert list(pairs(reading)) == []
        assert len(list(for_people(reading))) == len(NAMES)


def test_every_verdict_is_unjudged_and_keeps_what_was_measured(built):
    workspace, _, _, _ = built
    with open_readonly(workspace) as reading:
        rows = reading.ledger.execute("SELECT assessment FROM attempt").fetchall()
    assessments = [json.loads(text) for (text,) in rows]
    assert len(assessments) == len(NAMES)
    for assessment in assessments:
        assert assessment["verdict"] == "unjudged"
        assert assessment["reasons"] == ["unjudged: 2 of 2 answers were unreadable"]
        assert assessment["judged_by"]["num_unreadable"] == NUM_VOTES
        assert assessment["judged_by"]["model"] == "tiny"
        assert len(assessment["aspects"]) == 5


def test_each_send_was_one_request_at_both_servers(built):
    workspace, _, (asked, _), billed = built
    with open_readonly(workspace) as reading:
        sends = list(each_send(reading.ledger, in_doubt=False))
        doubtful = list(each_send(reading.ledger, in_doubt=True))
    assert doubtful == []
    judging = [send for send in sends if send.stage == "judge"]
    # One resend of each vote: an unreadable answer is asked for once more.
    assert len(judging) == 2 * NUM_VOTES * len(NAMES)
    assert {send.state for send in judging} == {"bad_output"}
    assert {send.version for send in judging} == {NAME}
    assert asked == {"200": len(judging)}
    assert len(billed) == sum(send.stage == "restore" for send in sends) == len(NAMES)


def test_the_second_build_asks_nobody(built):
    _, (_, again), (_, asked_again), _ = built
    assert again.returncode == 0, again.stderr
    assert asked_again == {}
