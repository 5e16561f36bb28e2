"""The server as a whole: answers that hang on the request alone, limits, changes in the middle, counts, a bill."""

import asyncio
import base64
import hashlib
import json
import math
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from ggt.cli.simulate_provider import simulate_provider
from ggt.errors import UsageError
from ggt.images import decode_image, encode_png, read_image
from rehearsal import SIDE, write_photos
from simulated_provider import COMMAND, simulated_provider
from simulator_samples import sample

KEY = {"x-goog-api-key": "simulated"}
GENERATE = "/v1beta/models/gemini-3.1-flash-image:generateContent"


def body(image, prompt="Remove the noise.", **config):
    data = base64.b64encode(encode_png(image)).decode()
    parts = [{"inlineData": {"mimeType": "image/png", "data": data}}, {"text": prompt}]
    return {
        "contents": [{"role": "user", "parts": parts}],
        "generationConfig": {"responseModalities": ["IMAGE"], **config},
    }


def ask(server, number=0, **options):
    """Send one small request; requests of different numbers differ."""
    value = body(sample(32), f"Remove the noise, way {number}.")
    return httpx.post(server.url + GENERATE, json=value, headers=KEY, timeout=30, **options)


def faults_of(server, count, **options):
    for number in range(count):
        ask(server, number, **options)
    return [line["fault"] for line in server.lines[-count:]]


def test_the_first_page_says_that_this_is_a_simulation(server):
    text = httpx.get(server.url).text
    assert "simulated provider" in text
    assert "nothing that comes back is ground truth" in text


def test_two_servers_give_the_same_bytes_in_any_order_and_another_seed_draws_other_faults(
    tmp_path,
):
    mixed = "[faults]\nno_image = 0.3\nserver_error = 0.3"
    replies, faults = [], []
    for name, seed, order in (
        ("a", 0, range(12)),
        ("b", 0, reversed(range(12))),
        ("c", 1, range(12)),
    ):
        folder = tmp_path / name
        folder.mkdir()
        with simulated_provider(folder, "--echo", faults=mixed, seed=seed) as server:
            found = {number: ask(server, number) for number in order}
        replies.append({number: found[number].content for number in range(12)})
        faults.append([line["fault"] for line in server.lines])
    assert replies[0] == replies[1]
    assert faults[0] == faults[1][::-1]
    assert len(set(faults[0])) == 3
    assert faults[2] != faults[0]


def test_a_resend_meets_another_draw_but_the_same_answer(server):
    server.behave("[faults]\nserver_error = 0.5")
    replies = [ask(server, 77) for _ in range(24)]
    assert {reply.status_code for reply in replies} == {200, 500}
    parts = {
        json.dumps(reply.json()["candidates"]) for reply in replies if reply.status_code == 200
    }
    assert len(parts) == 1


def test_every_request_is_a_line_with_its_number_and_the_hash_of_its_body(server):
    before = server.get("requests")["total"]
    value = json.dumps(body(sample(32), "Only once.")).encode()
    httpx.post(server.url + GENERATE, content=value, headers=KEY)
    line = server.lines[-1]
    assert line["input_sha"] == hashlib.sha256(value).hexdigest()
    assert [line["request"] for line in server.lines] == sorted(
        line["request"] for line in server.lines
    )
    counts = server.get("requests")
    assert counts["total"] == before + 1
    assert counts["under_way"] == 0


def test_the_bill_adds_up(server):
    server.behave("[faults]\nrate_limit_minute = 0.3\nno_image = 0.3\ntext_instead = 0.2")
    for number in range(20):
        ask(server, number)
    totals = server.get("bill")
    lines = server.lines
    assert totals["usd"] == math.fsum(line["usd"] for line in lines)
    assert totals["lines"] == len(lines)
    assert sum(totals["by_fault"].values()) == len(lines)
    assert math.fsum(totals["by_model_usd"].values()) == pytest.approx(totals["usd"], abs=1e-12)
    assert totals["by_fault"]["no_image"] == sum(line["fault"] == "no_image" for line in lines)


def test_an_unlisted_model_has_the_stated_price(server):
    from ggt.simulator.bill import UNLISTED

    httpx.post(
        f"{server.url}/v1/models/nobody-knows-this:generateContent",
        json=body(sample(32)),
        headers=KEY,
    )
    assert server.lines[-1]["usd"] == UNLISTED.price.per_image_usd == 0.04


def test_a_restarted_server_goes_on_with_the_bill(tmp_path):
    with simulated_provider(tmp_path, "--echo") as first:
        ask(first)
        usd = first.usd
    with simulated_provider(tmp_path, "--echo") as second:
        assert second.get("bill")["usd"] == usd
        ask(second, 1)
        assert [line["request"] for line in second.lines] == [1, 2]
        assert second.get("requests")["total"] == 1


def test_the_bill_is_written_before_the_reply_leaves_even_when_the_client_has_gone(server):
    server.behave("delay_s = [0.4, 0.4]")
    before = len(server.lines)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(server.url + GENERATE, json=body(sample(32)), headers=KEY, timeout=0.2)
    deadline = time.monotonic() + 10
    while len(server.lines) == before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert server.lines[-1]["usd"] > 0
    assert len(server.lines) == before + 1


def test_more_than_the_rate_is_turned_away_unbilled(tmp_path):
    with simulated_provider(tmp_path, "--echo", requests_per_minute=3) as server:
        replies = [ask(server, number) for number in range(5)]
        assert [reply.status_code for reply in replies] == [200, 200, 200, 429, 429]
        details = {d["@type"].rpartition(".")[2]: d for d in replies[3].json()["error"]["details"]}
        assert 30 < float(details["RetryInfo"]["retryDelay"].rstrip("s")) <= 60
        assert [line["usd"] > 0 for line in server.lines] == [True] * 3 + [False] * 2
        assert server.lines[-1]["fault"] == "rate_limit_minute"


def together(server, count, **options):
    async def send():
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(timeout=60, limits=limits) as client:
            bodies = [body(sample(32), f"Way {number}.") for number in range(count)]
            posts = [client.post(server.url + GENERATE, json=one, headers=KEY) for one in bodies]
            return await asyncio.gather(*posts)

    return [reply.status_code for reply in asyncio.run(send())]


def test_more_than_may_be_under_way_are_turned_away(tmp_path):
    with simulated_provider(tmp_path, "--echo", most_under_way=4, delay="1.5:1.5") as server:
        statuses = together(server, 10)
        assert sorted(statuses) == [200] * 4 + [429] * 6
        assert server.get("requests")["most_under_way"] <= 10


@pytest.mark.parametrize("count", [200, pytest.param(1000, marks=pytest.mark.slow)])
def test_many_requests_wait_at_once_in_little_memory(tmp_path, count):
    with simulated_provider(tmp_path, "--echo", delay="2:2") as server:
        statuses = together(server, count)
        assert statuses == [200] * count
        assert server.get("requests")["most_under_way"] > count / 2
        assert len(server.lines) == count
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="utf-8")
        peak_kb = int(status.partition("VmHWM:")[2].split()[0])
        assert peak_kb < 400_000


def test_delays_are_drawn_between_their_bounds(server):
    server.behave("delay_s = [0.2, 0.5]")
    spent = []
    for number in range(6):
        started = time.monotonic()
        ask(server, 100 + number)
        spent.append(time.monotonic() - started)
    assert min(spent) >= 0.2
    assert max(spent) - min(spent) > 0.05


def test_the_behaviour_may_change_after_so_many_requests(tmp_path):
    later = tmp_path / "later.toml"
    later.write_text('release = "2"\n[faults]\nno_image = 1.0\n', encoding="utf-8")
    with simulated_provider(tmp_path, "--echo", switch_after=2, switch_to=later) as server:
        replies = [ask(server, number).json() for number in range(4)]
    assert [line["fault"] for line in server.lines] == ["", "", "no_image", "no_image"]
    assert [reply["modelVersion"] for reply in replies] == [
        *["simulated-gemini-3.1-flash-image"] * 2,
        *["simulated-gemini-3.1-flash-image-2"] * 2,
    ]


def test_the_behaviour_may_be_changed_while_it_runs(server):
    assert server.behave('release = "b"\n[faults]\nno_image = 1.0').json()["release"] == "b"
    assert faults_of(server, 2) == ["no_image", "no_image"]
    refused = server.behave('restorer = "simulated"')
    assert (refused.status_code, "--truths" in refused.json()["error"]) == (400, True)
    assert server.get("behaviour")["restorer"] == "echo"
    assert server.behave("[faults]\nnothing = 1").status_code == 400


def test_a_planned_restorer_takes_over(tmp_path):
    later = tmp_path / "later.toml"
    later.write_text('restorer = "classical"\n', encoding="utf-8")
    with simulated_provider(tmp_path, "--echo", switch_after=1, switch_to=later) as server:
        makers = [ask(server, 0).json(), ask(server, 0).json()]
    pictures = [
        base64.b64decode(reply["candidates"][0]["content"]["parts"][-1]["inlineData"]["data"])
        for reply in makers
    ]
    assert [b"provider: echo" in data for data in pictures] == [True, False]
    assert b"provider: classical" in pictures[1]
    assert not np.array_equal(*(decode_image(data).image for data in pictures))


def test_ctrl_c_ends_it_with_zero_even_while_a_client_waits(tmp_path):
    with simulated_provider(tmp_path, "--echo", fault="timeout=1") as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(server.url + GENERATE, json=body(sample(32)), headers=KEY, timeout=0.5)
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(20) == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"fault": ["timeout"]}, "NAME=RATE"),
        ({"fault": ["time=0.1"]}, "'time' is no fault"),
        ({"delay": "a:b"}, "LOW:HIGH"),
        ({"switch_after": 3}, "belong together"),
        ({"echo": True, "restorer": "classical"}, "without a restorer"),
        ({"restorer": "simulated"}, "--truths"),
        ({"faults": Path("/nowhere.toml")}, "cannot read the behaviour"),
        ({"bill": Path("/nowhere/bill.jsonl")}, "cannot write the bill"),
    ],
)
def test_options_that_cannot_be_used_are_refused_before_serving(options, said):
    with pytest.raises(UsageError, match=said):
        simulate_provider(port=0, **options)


def test_a_port_that_is_taken_is_refused(server):
    with pytest.raises(UsageError, match="cannot be used"):
        simulate_provider(port=int(server.url.rpartition(":")[2]), echo=True)


def test_it_tells_people_how_to_point_ggt_at_it():
    with subprocess.Popen(
        [*COMMAND, "--port", "0", "--echo"], stdout=subprocess.PIPE, text=True
    ) as process:
        lines = [process.stdout.readline() for _ in range(6)]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    url = lines[0].split()[3].rstrip(":")
    assert [line.strip() for line in lines[1:5]] == [
        f"export GOOGLE_GEMINI_BASE_URL={url}",
        "export GEMINI_API_KEY=simulated",
        f"export OPENAI_BASE_URL={url}/v1",
        "export OPENAI_API_KEY=simulated",
    ]


def test_truths_are_served_as_a_recipe_derives_them(tmp_path):
    photos = write_photos(tmp_path, ("astronaut", "coffee"))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(f"[ingest]\nside = {SIDE}\n", encoding="utf-8")
    image = read_image(photos / "coffee.png").image
    truth = read_image(tmp_path / "truths" / "coffee.png").image
    with simulated_provider(
        tmp_path, faults="[planted]\nmirror = 1.0", truths=photos, recipe=recipe
    ) as server:
        reply = httpx.post(server.url + GENERATE, json=body(image), headers=KEY, timeout=30)
        unknown = ask(server)
    data = reply.json()["candidates"][0]["content"]["parts"][-1]["inlineData"]["data"]
    assert (decode_image(base64.b64decode(data)).image == truth[:, ::-1]).all()
    assert unknown.status_code == 400
    assert "no truth of this picture" in unknown.json()["error"]["message"]
    assert [line["usd"] > 0 for line in server.lines] == [True, False]


def test_pictures_wait_in_files_that_go_with_the_answer(tmp_path, monkeypatch):
    waiting = tmp_path / "waiting"
    waiting.mkdir()
    monkeypatch.setenv("TMPDIR", str(waiting))
    with simulated_provider(tmp_path, "--echo", delay="1:1") as server:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(server.url + GENERATE, json=body(sample(32)), headers=KEY, timeout=0.7)
        assert len(list(waiting.glob("*/1-0"))) == 1
        ask(server)
        assert list(waiting.glob("*/*")) == []
    assert list(waiting.iterdir()) == []


def test_a_client_that_hangs_up_while_it_sends_leaves_no_trace(server):
    before = len(server.lines), server.get("requests")["total"]
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as sock:
        sock.sendall(
            f"POST {GENERATE} HTTP/1.1\r\nHost: x\r\nx-goog-api-key: simulated\r\n"
            "Content-Length: 1000\r\n\r\n{".encode()
        )
    deadline = time.monotonic() + 10
    while server.get("requests")["under_way"] and time.monotonic() < deadline:
        time.sleep(0.05)
    counts = server.get("requests")
    assert (counts["under_way"], counts["total"]) == (0, before[1] + 1)
    assert len(server.lines) == before[0]
