"""What a build meets in the world: interrupts, full disks, forbidden folders, strange names."""

import json
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from ggt.stages.status import read_status
from rehearsal import write_photos
from unprivileged import run_unprivileged

RECIPE = """
[[lanes]]
restorer = "simulated"
[ingest]
side = 256
set_aside_clean = false
[quality.align]
min_side = 192
"""


@pytest.fixture
def folder():
    """A folder that an unprivileged child may enter."""
    name = Path(tempfile.mkdtemp())
    write_photos(name)
    (name / "recipe.toml").write_text(RECIPE)
    for path in (name, *name.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    yield name
    shutil.rmtree(name)


def command(folder, *options):
    return [
        *(sys.executable, "-m", "ggt", "build", str(folder / "photos"), "--json"),
        *("--out", str(folder / "ws"), "--recipe", str(folder / "recipe.toml"), "--processes", "1"),
        *options,
    ]


def run(arguments, *, file_bytes=None):
    """Run ggt in a process of its own; `file_bytes` bounds the size of every file, as a full disk would."""

    def prepare():
        if file_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

    return subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=prepare,
    )


def finish(folder):
    """Build in peace and return the status."""
    done = run(command(folder))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_full_disk_stops_early_and_the_next_run_goes_on(folder):
    full = run(command(folder), file_bytes=60_000)
    assert full.returncode == 3, full.stderr
    assert "free" in full.stderr + full.stdout
    status = finish(folder)
    assert status["photos"] == 4
    assert status["failures"] == []


def test_a_disk_that_fills_up_under_the_ledger_loses_nothing(folder):
    finish(folder)
    shutil.copy(folder / "photos" / "coffee.png", folder / "photos" / "new.png")
    full = run(command(folder), file_bytes=6_000)
    assert full.returncode == 3, full.stderr
    assert "Traceback" not in full.stderr
    assert finish(folder)["photos"] == 5


def test_a_read_only_workspace_is_a_clear_line_and_can_still_be_read(folder):
    finish(folder)
    read_status(folder / "ws")  # imports what the command imports late
    for path in (folder / "ws").glob("*.sqlite-*"):
        path.unlink()  # left by that reader; a workspace on a medium that is read-only has none
    for path in (folder / "ws", *(folder / "ws").rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    code, said = run_unprivileged(*command(folder)[3:])
    assert code == 3, said
    assert "writable" in said
    code, said = run_unprivileged("status", str(folder / "ws"), "--json")
    assert code == 0, said
    assert json.loads(said)["photos"] == 4


def test_a_forbidden_folder_of_photos_is_a_usage_error(folder):
    (folder / "photos").chmod(0o000)
    code, said = run_unprivileged(*command(folder)[3:])
    assert code == 2, said
    assert "photos" in said
    (folder / "photos").chmod(0o777)


def test_strange_names_pass_through_unharmed(folder):
    names = [
        "a\nb.png",
        'it\'s "quoted".png',
        "\U0001f327 rain.png",
        "<script>alert(1)<",
        "-rf.png",
    ]
    photos = folder / "photos"
    for name, old in zip(names, sorted(photos.glob("*.png")), strict=False):
        target = photos / (name if name.endswith(".png") else f"{name}.png")
        old.rename(target)
    (photos / "photos.csv").unlink()
    done = run(command(folder, "--restorer", "classical"))
    assert done.returncode == 0, done.stderr
    status = json.loads(done.stdout)
    assert status["photos"] == 4
    assert "Traceback" not in done.stderr


def test_ctrl_c_stops_early_with_3_and_the_next_run_goes_on(folder):
    process = subprocess.Popen(
        command(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    ledger = folder / "ws" / "ledger.sqlite"
    deadline = time.monotonic() + 60
    while not ledger.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 3, (output, errors)
    assert "Traceback" not in errors
    assert "interrupted" in json.loads(output)["stopped"]
    assert finish(folder)["photos"] == 4


def test_a_misspelt_key_is_named_with_the_nearest(folder):
    (folder / "recipe.toml").write_text("[restore]\nmax_atempts = 2\n")
    refused = run(command(folder))
    assert refused.returncode == 2
    assert (
        "restore.max_atempts is no key of a recipe, did you mean 'max_attempts'?" in refused.stderr
    )
    assert not (folder / "ws").exists()


def test_a_workspace_of_a_newer_version_is_refused(folder):
    finish(folder)
    ledger = folder / "ws" / "ledger.sqlite"
    connection = sqlite3.connect(ledger)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    for arguments in (command(folder), [sys.executable, "-m", "ggt", "status", str(folder / "ws")]):
        refused = run(arguments)
        assert refused.returncode == 2
        assert "upgrade ggt" in refused.stderr
