"""What every command shares: one JSON value or Rich text, progress for people, and how errors end."""

import json
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import typer

JsonValue: TypeAlias = "str | int | float | bool | list[JsonValue] | dict[str, JsonValue] | None"
"""What `json.dumps` takes."""

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for machines, nothing else.")]


def emit_json(value: JsonValue) -> None:
    """Print one JSON value on one line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def emit_text(text: str) -> None:
    """Print text as it is, without interpreting markup: names of files may hold brackets."""
    sys.stdout.write(text.rstrip("\n") + "\n")


def emit_table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print a table for people."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


@contextmanager
def progress(what: str, total: int | None, *, quiet: bool) -> Generator[Callable[[int], None]]:
    """Show one bar with the time left on a terminal's stderr; yields `advance(count)`."""
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        show(what, done, total)

    with stage_progress(quiet=quiet) as show:
        show(what, 0, total)
        yield advance


@contextmanager
def stage_progress(*, quiet: bool) -> Generator[Callable[[str, int, int | None], None]]:
    """Show a bar for each stage on a terminal's stderr; yields `show(stage, done, total)`."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
    from rich.progress import TimeRemainingColumn as TimeLeft

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeLeft())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bars:
        tasks: dict[str, TaskID] = {}

        def show(stage: str, done: int, total: int | None) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield show
