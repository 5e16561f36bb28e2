"""Calibration table: rates with counts and intervals, as Markdown for docs and as JSON for machines."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ggt.stages.calibration.calibrate import (
    Judged,
    Rate,
    caught,
    kept,
    names_of,
    restoring,
    undecidable,
)


@dataclass(frozen=True, slots=True)
class Goals:
    """What calibration aims at."""

    kept: float = 0.95
    gross: float = 0.95
    subtle: float = 0.80
    worst_degradation: float = 0.88


def summary(judged: Sequence[Judged]) -> dict[str, Rate]:
    """The four rates that goals are set for, and candidates that restore nothing."""
    return {
        "kept": kept(judged),
        "gross": caught(judged, "gross"),
        "subtle": caught(judged, "subtle"),
        "lazy": caught(judged, "lazy"),
    }


def markdown(judged: Sequence[Judged]) -> str:
    """Write all tables: overall, per fault, per degradation, per faithful kind, per photo."""
    return "\n\n".join(
        (
            _overall(judged),
            _per_fault(judged),
            _per_degradation(judged),
            _per_kind(judged, "good", "faithful pair", "kept"),
            _per_kind(judged, "lazy", "no restoration", "caught"),
            _per_photo(judged),
        )
    )


def _overall(judged: Sequence[Judged]) -> str:
    goals = Goals()
    rates = summary(judged)
    rows = [
        ["faithful pairs kept", _cell(rates["kept"]), f"{goals.kept:.0%}"],
        ["gross faults caught", _cell(rates["gross"]), f"{goals.gross:.0%}"],
        ["subtle faults caught", _cell(rates["subtle"]), f"{goals.subtle:.0%}"],
        ["candidates that restore nothing caught", _cell(rates["lazy"]), ""],
        ["faults that their pair cannot show (apart)", str(undecidable(judged)), ""],
        ["accepted of those that do restore (apart)", _cell(restoring(judged)), ""],
    ]
    return _table(["", "share, 95 % interval, count", "goal"], rows)


def _per_fault(judged: Sequence[Judged]) -> str:
    rows = [
        [
            name,
            _cell(caught(own, "gross")),
            _cell(caught(own, "subtle")),
            str(undecidable(own)),
            _missed(own),
        ]
        for name, own in _groups(judged, names_of(judged), lambda j: j.name)
    ]
    return _table(["fault", "gross caught", "subtle caught", "undecidable", "missed under"], rows)


def _missed(judged: Sequence[Judged]) -> str:
    missed = [j.degradation for j in judged if j.decidable and j.stage is None]
    return ", ".join(f"{name} {missed.count(name)}" for name in sorted(set(missed)))


def _per_degradation(judged: Sequence[Judged]) -> str:
    names = sorted({j.degradation for j in judged})
    rows = [
        [
            name,
            _cell(kept(own)),
            _cell(caught(own, "gross")),
            _cell(caught(own, "subtle")),
            _cell(caught(own, "lazy")),
        ]
        for name, own in _groups(judged, names, lambda j: j.degradation)
    ]
    head = [
        "degradation",
        "faithful kept",
        "gross caught",
        "subtle caught",
        "no restoration caught",
    ]
    return _table(head, rows)


def _per_kind(judged: Sequence[Judged], level: str, title: str, verb: str) -> str:
    chosen = [j for j in judged if j.level == level]
    names = sorted({j.name for j in chosen})
    rows = [
        [name, _cell(kept(own) if level == "good" else caught(own, "lazy"))]
        for name, own in _groups(chosen, names, lambda j: j.name)
    ]
    return _table([title, verb], rows)


def _per_photo(judged: Sequence[Judged]) -> str:
    names = sorted({j.photo for j in judged})
    rows = [
        [name, _count(kept(own)), _count(caught(own, "gross")), _count(caught(own, "subtle"))]
        for name, own in _groups(judged, names, lambda j: j.photo)
    ]
    return _table(["photo", "faithful kept", "gross caught", "subtle caught"], rows)


def _groups(
    judged: Sequence[Judged], names: Sequence[str], key: Callable[[Judged], str]
) -> list[tuple[str, list[Judged]]]:
    return [(name, [j for j in judged if key(j) == name]) for name in names]


def _count(rate: Rate) -> str:
    return f"{rate.count}/{rate.total}"


def _cell(rate: Rate) -> str:
    if not rate.total:
        return ""
    low, high = rate.interval
    return f"{rate.share:.1%} ({low:.0%}-{high:.0%}), {_count(rate)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])
