"""The simulated provider for other tests: a subprocess, its address, its bill, and what it says of itself."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

COMMAND = (sys.executable, "-m", "ggt", "simulate-provider")


@dataclass(frozen=True)
class Server:
    """A running simulator; `environment` points ggt and the vendors' SDKs at it."""

    url: str
    bill: Path
    environment: Mapping[str, str]
    process: subprocess.Popen

    @property
    def lines(self) -> list[dict]:
        """The bill, one line for every request that was read."""
        return [json.loads(line) for line in self.bill.read_text(encoding="utf-8").splitlines()]

    @property
    def usd(self) -> float:
        """What the bill comes to."""
        return sum(line["usd"] for line in self.lines)

    def get(self, path: str) -> dict:
        """What /simulator/bill, /simulator/requests or /simulator/behaviour says."""
        return httpx.get(f"{self.url}/simulator/{path}").json()

    def behave(self, toml: str) -> httpx.Response:
        """Change the behaviour from the next request on."""
        return httpx.post(f"{self.url}/simulator/behaviour", content=toml)


@contextmanager
def simulated_provider(folder: Path, *options: str, faults: str = "", **named) -> Iterator[Server]:
    """Start one; `faults` is the TOML text of a behaviour, `named` are options with a value, None is left out.

    with simulated_provider(tmp_path, "--echo", faults="[faults]\\ntimeout = 0.1", seed=3) as server: ...
    """
    bill = Path(named.pop("bill", folder / "bill.jsonl"))
    words = [*options, "--port", "0", "--json", "--bill", str(bill)]
    if faults:
        behaviour = folder / "behaviour.toml"
        behaviour.write_text(faults, encoding="utf-8")
        words += ["--faults", str(behaviour)]
    for name, value in named.items():
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    with (
        tempfile.TemporaryFile(mode="w+") as said,
        subprocess.Popen(
            [*COMMAND, *words],
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            env=os.environ | {"PYTHONWARNINGS": "default"},
        ) as process,
    ):
        try:
            first = process.stdout.readline()
            if not first:
                process.wait()
                said.seek(0)
                raise RuntimeError(f"the simulated provider did not start: {said.read()}")
            started = json.loads(first)
            yield Server(started["url"], bill, started["environment"], process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
