"""Which pairs are for testing: chosen once, kept for good, and never a scene on both sides."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from ggt.errors import GgtError, UsageError
from ggt.formats import Split
from ggt.stages.release.entries import Entry
from ggt.types import CATEGORIES, Category

SEVERITY_BINS = ("low", "medium", "high")
"""Thirds of the severity's range 0 to 1; ours."""


@dataclass(frozen=True, slots=True)
class Division:
    """Three disjoint sets of pair ids that together are all pairs.

    `withheld` pairs share a scene with a frozen test pair and came later: they may be on neither side.
    """

    train: frozenset[str]
    test: frozenset[str]
    withheld: frozenset[str]

    def sides(self) -> list[tuple[Split, frozenset[str]]]:
        """List the released splits that are not empty, with their members."""
        both: list[tuple[Split, frozenset[str]]] = [("train", self.train), ("test", self.test)]
        return [(split, members) for split, members in both if members]


def severity_bin(severity: float) -> str:
    """Name the third of the range that a severity lies in."""
    return SEVERITY_BINS[min(len(SEVERITY_BINS) - 1, int(severity * len(SEVERITY_BINS)))]


def divide(
    pairs: Sequence[Entry], *, num_test: int, balance: bool = False, frozen: Iterable[str] = ()
) -> Division:
    """Choose the test pairs: the frozen ones, then whole scenes until there are `num_test`.

    The choice depends on the pairs alone, not on their order. With `balance`, categories take turns, within a category
    the thirds of severity, and small scenes come first; without it the mixture is that of the pairs.

    Raises:
        UsageError: so many test pairs that none would be left to train on.
    """
    present = {pair.id for pair in pairs}
    test = present & set(frozen)
    if num_test > len(test) and num_test >= len(pairs):
        raise UsageError(
            f"--test {num_test} of {len(pairs)} pairs leaves none to train on: choose fewer"
        )
    scenes: dict[str, list[Entry]] = defaultdict(list)
    for pair in sorted(pairs, key=lambda p: _rank(p.id)):
        scenes[pair.group].append(pair)
    begun = [scene for scene in scenes.values() if any(p.id in test for p in scene)]
    fresh = [scene for scene in scenes.values() if all(p.id not in test for p in scene)]
    for scene in begun:
        _add_whole(scene, test, num_test)
    if balance:
        _add_in_turns(fresh, test, num_test=num_test, pairs=pairs)
    else:
        for scene in fresh:
            _add_whole(scene, test, num_test)
    touched = {pair.group for pair in pairs if pair.id in test}
    withheld = {p.id for p in pairs if p.group in touched} - test
    return Division(
        train=frozenset(present - test - withheld),
        test=frozenset(test),
        withheld=frozenset(withheld),
    )


def _rank(identity: str) -> str:
    """Order ids as if at random, the same way for ever."""
    return hashlib.sha256(f"split {identity}".encode()).hexdigest()


def _add_whole(scene: Sequence[Entry], test: set[str], num_test: int) -> bool:
    """Add a scene's pairs if all of them fit."""
    missing = {pair.id for pair in scene} - test
    if len(test) + len(missing) > num_test:
        return False
    test |= missing
    return True


def _add_in_turns(
    scenes: Sequence[Sequence[Entry]], test: set[str], *, num_test: int, pairs: Sequence[Entry]
) -> None:
    """Let the category with the fewest test pairs choose next, then its third with the fewest."""
    taken = Counter(_stratum(pair) for pair in pairs if pair.id in test)
    waiting: dict[tuple[Category, str], list[Sequence[Entry]]] = defaultdict(list)
    for scene in sorted(scenes, key=len):
        waiting[_stratum(scene[0])].append(scene)
    while waiting and len(test) < num_test:
        by_category = Counter[Category]()
        for (category, _), count in taken.items():
            by_category[category] += count
        stratum = min(
            waiting,
            key=lambda s: (by_category[s[0]], CATEGORIES.index(s[0]), taken[s], s[1]),
        )
        scene = waiting[stratum].pop(0)
        if not waiting[stratum]:
            del waiting[stratum]
        if _add_whole(scene, test, num_test):
            taken.update(_stratum(pair) for pair in scene)


def _stratum(pair: Entry) -> tuple[Category, str]:
    return pair.category, severity_bin(pair.severity)


_MEMBERS = TypeAdapter(list[str])


def read_members(path: Path) -> list[str]:
    """Read the frozen test membership; empty before the first release with a test split.

    Raises:
        GgtError: the file is there and cannot be read: without it the test split would change in silence.
    """
    try:
        return _MEMBERS.validate_json(path.read_bytes())
    except FileNotFoundError:
        return []
    except (OSError, ValidationError) as error:
        raise GgtError(
            f"cannot read the frozen test split {str(path)!r}: restore it from a copy, or delete it "
            "to have a new one chosen"
        ) from error


def dump_members(ids: Iterable[str]) -> bytes:
    """Write a membership as sorted JSON, one id a line."""
    return (json.dumps(sorted(ids), indent=0) + "\n").encode()
