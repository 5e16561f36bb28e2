"""Every command: fast to start, helped with an example, honest in its exit code."""

import resource
import subprocess
import sys

import pytest

from ggt.cli.main import COMMANDS

HEAVY = ("torch", "cv2", "scipy", "skimage", "matplotlib", "pyarrow", "numpy", "google", "openai")


def ggt(*words):
    return subprocess.run(
        [sys.executable, "-m", "ggt", *words], capture_output=True, text=True, check=False
    )


def test_help_imports_nothing_heavy():
    code = (
        "import sys\nfrom ggt.cli.main import make_app\n"
        "try:\n  make_app()(['--help'])\nexcept SystemExit:\n  pass\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_help_costs_less_than_a_third_of_a_second():
    def used():
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    costs = []
    for _ in range(3):
        before = used()
        assert ggt("--help").returncode == 0
        costs.append(used() - before)
    assert sorted(costs)[1] < 0.3


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(command):
    done = ggt(command, "--help")
    assert done.returncode == 0
    if "COMMAND [ARGS]" in done.stdout:  # sub-commands have their own
        return
    assert f"ggt {command}" in done.stdout.replace("python -m ggt", "").split("Example:")[1]
    assert "--json" in done.stdout


def test_the_exit_codes_are_documented():
    text = " ".join(ggt("--help").stdout.split())
    assert (
        "0 done or waiting for people, 1 finished with failures listed, 2 usage, 3 stopped" in text
    )


def test_no_command_is_a_usage_error_and_the_version_is_told():
    assert ggt("buidl").returncode == 2
    done = ggt("--version")
    assert (done.returncode, done.stdout.startswith("ggt ")) == (0, True)


def test_an_expected_error_is_one_line_on_stderr(tmp_path):
    done = ggt("status", str(tmp_path / "nowhere"))
    assert done.returncode == 2
    assert done.stderr.startswith("ggt: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_doctor_finds_nothing_missing_here():
    done = ggt("doctor", "--json")
    assert done.returncode == 0, done.stdout
    assert '"numpy"' in done.stdout
