"""Run a `ggt` command as nobody: root writes through every permission, so refusals need a child without rights.

The child is a fresh interpreter that imports everything first and gives up its rights then: nobody may not even read
the interpreter where it is installed for root alone, and a fork of a process with threads may hang.
"""

import os
import subprocess
import sys

NOBODY = 65534


def run_as_nobody(*arguments: str) -> tuple[int, str]:
    """Run the command without rights; returns its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def main() -> None:
    import contextlib
    import io

    import rich.console
    import rich.progress
    import rich.table  # noqa: F401

    import ggt.stages.build
    import ggt.stages.funnel
    import ggt.stages.status  # noqa: F401
    from ggt.cli import main as cli

    with contextlib.redirect_stdout(io.StringIO()):
        cli.make_app()(["status", "--help"], standalone_mode=False)
    if os.getuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    cli.main()


if __name__ == "__main__":
    main()
