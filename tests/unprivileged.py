"""Run a `ggt` command as nobody: root writes through every permission, so refusals need a child without rights."""

import contextlib
import io
import os
import sys
import tempfile
from pathlib import Path

import rich.console
import rich.progress
import rich.table  # noqa: F401

import ggt.stages.build
import ggt.stages.status  # noqa: F401  # commands import them late
from ggt.cli.main import make_app
from ggt.errors import GgtError

NOBODY = 65534


def run_as_nobody(*arguments: str) -> tuple[int, str]:
    """Fork, give up all rights, run the command in the fork; returns its exit code and what it printed.

    No new interpreter is started: nobody may not even read it where it is installed for root alone. What a command
    imports late must have been imported by the test before.
    """
    _import_what_comes_late()
    handle, name = tempfile.mkstemp()
    child = os.fork()
    if child == 0:
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        if os.getuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        os._exit(_run(arguments))
    _, status = os.waitpid(child, 0)
    os.close(handle)
    output = Path(name).read_text(encoding="utf-8")
    Path(name).unlink()
    return os.waitstatus_to_exitcode(status), output


def _import_what_comes_late() -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        make_app()(["status", "--help"], standalone_mode=False)


def _run(arguments: tuple[str, ...]) -> int:
    code = 0
    with open(1, "w", closefd=False) as out, contextlib.redirect_stdout(out):
        sys.stderr = out
        try:
            make_app()(arguments)
        except GgtError as error:
            out.write(f"ggt: {error}\n")
            code = error.exit_code
        except SystemExit as ended:
            code = int(ended.code or 0)
        except BaseException as error:  # noqa: BLE001  # the fork must not run on as a second pytest
            out.write(f"Traceback: {error!r}\n")
            code = 99
        out.flush()
    return code
