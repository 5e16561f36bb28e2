"""`ggt`: the commands, and how their errors end."""

import logging
import sys
from importlib import import_module

import typer

import ggt
from ggt.errors import GgtError

# In the order in which a user meets them. Each is cli/<name>.py, a dash written as an underscore, with a function of
# that name, or with a Typer `app` of sub-commands.
COMMANDS = (
    "demo",
    "models",
    "estimate",
    "build",
    "status",
    "calls",
    "check",
    "score",
    "calibrate",
    "decisions",
    "release",
    "lint",
    "report",
    "degrade",
    "weights",
    "simulate-provider",
    "doctor",
)


def make_app() -> typer.Typer:
    """Gather the commands; none of their modules imports anything heavy before it runs."""
    app = typer.Typer(
        name="ggt",
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        help=(
            "From a folder of real low-quality photos to a verified paired dataset for image "
            "restoration.\n\nExit codes: 0 done or waiting for people, 1 finished with failures listed, "
            "2 usage, 3 stopped early and resumable."
        ),
    )
    app.callback()(_version_option)
    for name in COMMANDS:
        word = name.replace("-", "_")
        module = import_module(f"ggt.cli.{word}")
        if hasattr(module, "app"):
            app.add_typer(module.app, name=name)
        else:
            app.command(name)(getattr(module, word))
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"ggt {ggt.__version__}\n")
        raise typer.Exit


def _version_option(
    *,
    version: bool = typer.Option(
        False, "--version", is_eager=True, callback=_print_version, help="Print the version."
    ),
) -> None:
    del version  # its callback has done what there is to do


def main() -> None:
    """Run `ggt` and end the process: an expected error is one line on stderr and its own exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        make_app()()
    except GgtError as error:
        sys.stderr.write(f"ggt: {error}\n")
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.exit(0)  # whoever read our output has seen enough
