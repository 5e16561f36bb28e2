"""Run a `ggt` command without root's right to pass over permissions, so that refusals can be tested as root too.

The child is a fresh interpreter that imports everything first and gives up the capabilities then; it stays root, so
that it may still read an installation that only root may read.
"""

import contextlib
import ctypes
import io
import os
import subprocess
import sys

VERSION_3 = 0x20080522
PASS_OVER_PERMISSIONS = (1 << 1) | (1 << 2) | (1 << 3)  # DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER


class Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class Sets(ctypes.Structure):
    _fields_ = tuple((name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable"))


def run_unprivileged(*arguments: str) -> tuple[int, str]:
    """Run the command; returns its exit code and what it printed."""
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=120,
    )
    return done.returncode, done.stdout


def obey_permissions() -> None:
    """Give up for good what lets root read and write everything; nothing to do for others."""
    if os.getuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header, sets = Header(VERSION_3, 0), (Sets * 2)()
    assert libc.capget(ctypes.byref(header), sets) == 0
    for name in ("effective", "permitted"):
        setattr(sets[0], name, getattr(sets[0], name) & ~PASS_OVER_PERMISSIONS)
    assert libc.capset(ctypes.byref(header), sets) == 0


def main() -> None:
    from ggt.cli import main as cli

    with contextlib.redirect_stdout(io.StringIO()):
        cli.make_app()(["status", "--help"], standalone_mode=False)
    obey_permissions()
    cli.main()


if __name__ == "__main__":
    main()
