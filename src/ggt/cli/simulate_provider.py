"""`ggt simulate-provider`: a local server that stands in for a paid interface."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_text

if TYPE_CHECKING:
    from ggt.settings.ingest import IngestSettings
    from ggt.simulator.behaviour import Behaviour

FaultRates = Annotated[
    list[str] | None,
    typer.Option("--fault", help="A fault's rate, as NAME=0.1; may be given several times."),
]


def simulate_provider(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8765,
    key: Annotated[str, typer.Option(help="The only key that is accepted.")] = "simulated",
    seed: Annotated[int, typer.Option(help="Another seed draws other faults and answers.")] = 0,
    restorer: Annotated[
        str | None, typer.Option(help="The local restorer that makes pictures; classical usually.")
    ] = None,
    truths: Annotated[
        Path | None,
        typer.Option(
            help="Folder that `ggt degrade` made: its truths come back, with planted faults."
        ),
    ] = None,
    echo: Annotated[
        bool, typer.Option("--echo", help="Send pictures back slightly smoothed: cheap.")
    ] = False,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe that says how lqs of --truths are derived.")
    ] = None,
    faults: Annotated[
        Path | None, typer.Option(help="TOML file of a behaviour: faults, delays, limits.")
    ] = None,
    fault: FaultRates = None,
    requests_per_minute: Annotated[int | None, typer.Option(help="Answer 429 above.")] = None,
    most_under_way: Annotated[
        int | None, typer.Option(help="Answer 429 to more requests at once.")
    ] = None,
    delay: Annotated[str | None, typer.Option(help="Seconds to an answer, as LOW:HIGH.")] = None,
    switch_after: Annotated[
        int | None, typer.Option(help="Behave as --switch-to says after this many requests.")
    ] = None,
    switch_to: Annotated[
        Path | None, typer.Option(help="TOML file of the later behaviour.")
    ] = None,
    bill: Annotated[
        Path | None, typer.Option(help="File for the bill, one JSON line a request.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Serve the Gemini and the OpenAI interface on this machine; nothing costs money, nothing is ground truth.

    Faults, prices, delays and limits come on demand; the bill is its own. It runs until Ctrl-C.

    Example: ggt simulate-provider --fault rate_limit_minute=0.1 --bill bill.jsonl
    """
    from ggt.simulator.desk import Setup
    from ggt.simulator.serve import Plan, serve

    behaviour = _behaviour(
        faults,
        {
            "restorer": _restorer(restorer, truths=truths, echo=echo),
            "requests_per_minute": requests_per_minute,
            "most_under_way": most_under_way,
            "delay_s": _range(delay),
        },
        fault or [],
    )
    later = _later(behaviour, after=switch_after, to=switch_to)
    setup = Setup(behaviour, seed=seed, key=key, switch_after=switch_after, switch_to=later)
    plan = Plan(setup, port=port, truths=truths, ingest=_ingest(recipe), bill=bill)
    serve(plan, announce=lambda taken: _announce(taken, key, as_json=as_json))


def _announce(port: int, key: str, *, as_json: bool) -> None:
    import sys

    base = f"http://127.0.0.1:{port}"
    variables = {
        "GOOGLE_GEMINI_BASE_URL": base,
        "GEMINI_API_KEY": key,
        "OPENAI_BASE_URL": f"{base}/v1",
        "OPENAI_API_KEY": key,
    }
    if as_json:
        emit_json({"port": port, "url": base, "environment": dict(variables)})
    else:
        emit_text(f"simulated provider at {base}: no model answers here, nothing is ground truth")
        for name, value in variables.items():
            emit_text(f"  export {name}={value}")
        emit_text("Ctrl-C ends it.")
    sys.stdout.flush()


def _behaviour(path: Path | None, options: dict[str, object], rates: list[str]) -> "Behaviour":
    """Lay the options over the file, the file over the defaults."""
    from ggt.simulator.behaviour import Behaviour, merged

    behaviour = _laid_over(Behaviour(), path) if path else Behaviour()
    stated = {name: value for name, value in options.items() if value is not None}
    if rates:
        stated["faults"] = behaviour.faults | dict(_rate(text) for text in rates)
    return merged(behaviour, stated)


def _laid_over(behaviour: "Behaviour", path: Path) -> "Behaviour":
    from ggt.errors import UsageError
    from ggt.simulator.behaviour import changed

    try:
        return changed(behaviour, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read the behaviour {str(path)!r}: {error}") from None


def _later(behaviour: "Behaviour", *, after: int | None, to: Path | None) -> "Behaviour | None":
    from ggt.errors import UsageError

    if (after is None) != (to is None):
        raise UsageError("--switch-after and --switch-to belong together: give both")
    return _laid_over(behaviour, to) if to else None


def _restorer(name: str | None, *, truths: Path | None, echo: bool) -> str | None:
    from ggt.errors import UsageError
    from ggt.simulator.behaviour import ECHO

    if echo and (name or truths):
        raise UsageError(
            "--echo makes pictures without a restorer: leave out --restorer and --truths"
        )
    if echo:
        return ECHO
    return name or ("simulated" if truths else None)


def _ingest(recipe: Path | None) -> "IngestSettings":
    from ggt.settings.recipe import Recipe, load_recipe

    return (load_recipe(recipe) if recipe else Recipe()).ingest


def _rate(text: str) -> tuple[str, float]:
    from ggt.errors import UsageError

    name, _, rate = text.partition("=")
    try:
        return name.strip().lower(), float(rate)
    except ValueError:
        raise UsageError(f"--fault {text!r} is not NAME=RATE, as timeout=0.05") from None


def _range(text: str | None) -> tuple[float, float] | None:
    from ggt.errors import UsageError

    if text is None:
        return None
    low, _, high = text.partition(":")
    try:
        return float(low), float(high or low)
    except ValueError:
        raise UsageError(f"--delay {text!r} is not LOW:HIGH in seconds, as 0.1:2") from None
