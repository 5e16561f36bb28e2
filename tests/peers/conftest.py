"""The Python of another environment, with other parties' clients and servers: docs/independent-checks.md."""

import os
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def peer_python():
    """The Python that GGT_PEERS_PYTHON names."""
    python = os.environ.get("GGT_PEERS_PYTHON")
    if not python:
        pytest.skip("GGT_PEERS_PYTHON is not set: see docs/independent-checks.md")
    if not Path(python).is_file():
        pytest.fail(f"GGT_PEERS_PYTHON={python!r} is no file")
    return python


@pytest.fixture(scope="session")
def need(peer_python):
    """Skip what the other environment has no packages for."""

    def check(*packages):
        find = "import importlib.util as u, sys; sys.exit(None in map(u.find_spec, sys.argv[1:]))"
        if subprocess.run([peer_python, "-c", find, *packages], check=False).returncode:
            pytest.skip(f"GGT_PEERS_PYTHON={peer_python!r} lacks one of {', '.join(packages)}")

    return check


@pytest.fixture(scope="session")
def peer_environment():
    """What other parties' software may know: no key of ours, nothing to fetch, one thread."""
    known = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    return known | {
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
        "PYTHONUNBUFFERED": "1",
    }
