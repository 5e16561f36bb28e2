"""No key, no header and no picture as text lies in anything that a build leaves or prints, whatever went wrong."""

import os
import re
import subprocess
import sys

from benchmarks import money

from simulated_provider import simulated_provider

KEY = "sk-ggt-test-4f1d9c77ab3e5b0c1d2e"
FORBIDDEN = re.compile(
    rb"sk-ggt-test|x-goog-api-key|authorization|bearer\s|[A-Za-z0-9+/]{400}", re.IGNORECASE
)
PIXELS = {".png", ".reply", ".jpg", ".tar", ".parquet"}


def test_nothing_that_is_written_or_printed_holds_a_key_a_header_or_a_picture_as_text(tmp_path):
    money.write_photos(tmp_path, 12, seed=3)
    (tmp_path / "recipe.toml").write_text(money.RECIPE, encoding="utf-8")
    (tmp_path / "models.toml").write_text(money.IMPATIENT.replace("20.0", "4.0"), encoding="utf-8")
    rates = {name: 0.02 for name in money.FAULTS if not name.startswith("rate_limit_")}
    lines = "\n".join(f"{name} = {rate}" for name, rate in rates.items())
    with simulated_provider(
        tmp_path,
        faults=f"retry_after_s = 0.1\n[faults]\nrate_limit_minute = 0.05\n{lines}\n",
        key=KEY,
        truths=tmp_path / "photos",
        recipe=tmp_path / "recipe.toml",
    ) as server:
        env = {**os.environ, **server.environment, "GGT_MODELS": str(tmp_path / "models.toml")}
        env |= {"GEMINI_API_KEY": KEY, "OPENAI_API_KEY": KEY}
        said = [
            run(env, *money.build_command(tmp_path)[3:]),
            run(env | {"OPENAI_API_KEY": KEY + "x"}, *money.build_command(tmp_path)[3:]),
        ]
        faults = {line["fault"] for line in server.lines}
    ws = str(tmp_path / "ws")
    said += [
        run(env, "status", ws),
        run(env, "calls", ws, "--json"),
        run(env, "report", ws, "--out", str(tmp_path / "report")),
        run(env, "release", ws, "--to", str(tmp_path / "out"), "--format", "folders"),
    ]
    assert len(faults) > 5
    assert any(b"spent_usd" in text for text in said)
    for text in said:
        assert not FORBIDDEN.search(text), FORBIDDEN.search(text)
    searched = 0
    for folder in ("ws", "report", "out"):
        for path in (tmp_path / folder).rglob("*"):
            if path.is_file() and path.suffix not in PIXELS:
                found = FORBIDDEN.search(path.read_bytes())
                assert not found, (path, found)
                searched += 1
    assert searched > 5
    assert (tmp_path / "report" / "index.html").is_file()
    assert (tmp_path / "out" / "README.md").is_file()


def run(env, *words):
    done = subprocess.run(
        [sys.executable, "-m", "ggt", *words], env=env, capture_output=True, check=False
    )
    return done.stdout + done.stderr
