"""The dataset card: what was done, counted from the pairs themselves; a field that nobody filled is an error."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeVar

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

import ggt
from ggt.errors import GgtError
from ggt.formats import Format
from ggt.stages.audit import Audit, upper_bound
from ggt.stages.funnel import steps, survival
from ggt.stages.release.entries import Entry
from ggt.stages.release.front_matter import Yaml, to_yaml
from ggt.stages.release.split import SEVERITY_BINS, Division
from ggt.stages.spending import Spending, named_shares
from ggt.types import ASSURANCES, CATEGORIES, NOT_GROUND_TRUTH, Fate

NUM_PROMPTS = 20
"""The card quotes this many prompts; all are in their rows."""

# fmt: off
# As the Hub spells the licences that a photo collection may have; others are "other" with a name.
_HUB_LICENCES = frozenset({
    "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc-by-sa-3.0", "cc-by-sa-4.0",
    "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0", "cc-by-nc-nd-3.0",
    "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "mit", "apache-2.0",
    "pddl", "odc-by", "odbl", "unlicense",
})
# fmt: on

_MARKUP = re.compile(r"[&<>|`*_\[\]#]")


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card says and the pairs do not; sentences without their full stop, none empty."""

    name: str
    licence: str
    fates: tuple[Fate, ...]
    barred: Mapping[str, int]
    agreement: str
    calibration: str
    excluded_sets: str
    terms: Mapping[str, str]
    """Restorer -> terms of use of its outputs."""
    audit: Audit | None = None
    spending: Spending | None = None
    """None when nothing was sent to a provider."""


def write_card(
    folder: Path, pairs: Sequence[Entry], division: Division, *, chosen: Format, facts: CardFacts
) -> None:
    """Write README.md.

    Raises:
        GgtError: a field is empty; the message names it.
    """
    released = [pair for pair in pairs if pair.id not in division.withheld]
    splits = [(split, len(members)) for split, members in division.sides()]
    body = _render(_fields(released, division, splits, chosen, facts))
    front = _front_matter(released, splits, chosen, facts)
    (folder / "README.md").write_text(front + body, encoding="utf-8", newline="\n")


Field = object
Key = TypeVar("Key", str, tuple[str, str], tuple[str, str, str])


def _fields(
    pairs: Sequence[Entry],
    division: Division,
    splits: Sequence[tuple[str, int]],
    chosen: Format,
    facts: CardFacts,
) -> dict[str, Field]:
    prompts = Counter(p.prompt for p in pairs)
    makers = Counter(p.maker for p in pairs)
    return {
        "facts": facts,
        "version": ggt.__version__,
        "stamp": NOT_GROUND_TRUTH,
        "num_pairs": len(pairs),
        "num_not_ground_truth": sum(not pair.ground_truth for pair in pairs),
        "num_withheld": len(division.withheld),
        "splits": splits,
        "about": Markup(chosen.about),
        "variables": ", ".join(column.partition(".")[0] for column in chosen.columns),
        "pictures": Markup(", ".join(f'row["{column}"]' for column in chosen.columns)),
        "meanings": [
            (Markup(", ".join(f"`{name}`" for name in names)), Markup(text))
            for names, text in chosen.meanings
        ],
        "losers": _losers_sentence(pairs) if chosen.needs_losers else None,
        "funnel": _funnel_rows(facts.fates),
        "survival": _survival_rows(facts.fates),
        "barred": ", ".join(f"{n} {reason}" for reason, n in facts.barred.items()) or "none",
        "assurances": [(a, sum(p.assurance == a for p in pairs)) for a in ASSURANCES],
        "judges": _judge_sentence(pairs),
        "costs": _cost_rows(facts.spending),
        "audit": _audit_sentence(pairs, facts.audit),
        "makers": [(*m, n, facts.terms.get(m[0], "")) for m, n in _by_count(makers)],
        "prompts": [(s, n, text or "none") for (s, text), n in _by_count(prompts)[:NUM_PROMPTS]],
        "num_other_prompts": max(0, len(prompts) - NUM_PROMPTS),
        "licences": _by_count(Counter(p.licence or "unknown" for p in pairs)),
        "sources": _by_count(Counter(p.source or "not stated" for p in pairs)),
    }


def _by_count(counts: Counter[Key]) -> list[tuple[Key, int]]:
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _funnel_rows(fates: Sequence[Fate]) -> list[tuple[str, int, str]]:
    total = max(1, len(fates))
    return [(s.words, s.num_ended, f"{100 * s.num_ended / total:.1f} %") for s in steps(fates)]


def _survival_rows(fates: Sequence[Fate]) -> list[tuple[str, list[str]]]:
    shares = survival(fates)
    rows: list[tuple[str, list[str]]] = []
    for category in CATEGORIES:
        cells = [shares.get((category, third)) for third in SEVERITY_BINS]
        if any(cells):
            rows.append(
                (category, [f"{c.num_pairs} of {c.num_tried}" if c else "–" for c in cells])
            )
    return rows


def _losers_sentence(entries: Sequence[Entry]) -> str:
    rows = sum(entry.num_losers for entry in entries)
    unlike = sum(entry.num_unlike for entry in entries)
    untrue = sum(entry.num_untrue_losers for entry in entries)
    return (
        f"{rows} rows: each pair stands beside every candidate for its lq that was turned down, by quality control or "
        f"by a person; {untrue} of these candidates are {NOT_GROUND_TRUTH}. Left out: {unlike} of another size or "
        "frame, and repeats"
    )


def _judge_sentence(entries: Sequence[Entry]) -> str:
    """Say which vlms judged, by which texts, and how often they contradicted themselves."""
    judged = [entry.judge for entry in entries if entry.judge is not None]
    if not judged:
        return "no vlm judged; image measurements did"
    counts = Counter(
        (judge.model, ", ".join(judge.versions), judge.prompt_version[:12]) for judge in judged
    )
    told = "; ".join(
        f"{model} (answered as {versions or 'unknown'}; texts {texts}): {count} pairs"
        for (model, versions, texts), count in sorted(counts.items())
    )
    repeated = [judge.flip_rate for judge in judged if judge.num_votes > 1]
    flips = f"; mean flip rate of repeated votes {fmean(repeated):.3f}" if repeated else ""
    return f"{told}{flips}"


def _cost_rows(spent: Spending | None) -> list[tuple[str, str, int, str]]:
    """Write what accepted pairs cost, when anything did."""
    named = named_shares(spent) if spent else []
    return [
        (
            name,
            f"{share.spent_usd:.2f}",
            share.num_pairs,
            "–" if share.usd_per_pair is None else f"{share.usd_per_pair:.3f}",
        )
        for name, share in named
    ]


def _audit_sentence(entries: Sequence[Entry], audit: Audit | None) -> str:
    num_reviewed = sum(entry.assurance in ("reviewed", "audited") for entry in entries)
    told = f"{num_reviewed} of {len(entries)} released pairs were accepted by a person"
    if audit is None:
        return f"{told}; no random sample was looked at, so no bound is claimed"
    looked = f"of {audit.num_passed} candidates that quality control had passed by itself, people looked at"
    if audit.num_checked == audit.num_passed:
        return f"{told}; {looked} every one and turned {audit.num_bad} down"
    return (
        f"{told}; {looked} {audit.num_checked} drawn by lot and found {audit.num_bad} bad: at most "
        f"{100 * upper_bound(audit):.2f} % at 95 % confidence (one-sided, exact)"
    )


def _render(fields: Mapping[str, Field]) -> str:
    environment = Environment(
        loader=PackageLoader("ggt.stages.release", "."),
        undefined=StrictUndefined,
        autoescape=False,  # Markdown, escaped by _written
        finalize=_written,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("card.md.j2").render(fields)


def _written(value: Field) -> str:
    """Write a field so that no name can break a table or become markup; an empty one is an error."""
    text = str(value).strip()
    if value is None or not text:
        raise GgtError("the dataset card has an unfilled field: give every restorer its terms")
    if isinstance(value, Markup):  # the format's own words
        return text
    return _MARKUP.sub(lambda found: f"&#{ord(found.group())};", " ".join(text.split()))


def _front_matter(
    pairs: Sequence[Entry], splits: Sequence[tuple[str, int]], chosen: Format, facts: CardFacts
) -> str:
    licence = facts.licence.lower()
    known = licence in _HUB_LICENCES
    value: dict[str, Yaml] = {"license": licence if known else "other"}
    if not known:
        value["license_name"] = re.sub(r"[^a-z0-9]+", "-", licence).strip("-") or "mixed"
    files: list[Yaml] = [
        {"split": split, "path": chosen.pattern.format(split=split)} for split, _ in splits
    ]
    tags: list[Yaml] = ["image-restoration", "paired", "generative-ground-truth"]
    untrue = chosen.needs_losers and any(pair.num_untrue_losers for pair in pairs)
    if untrue or not all(pair.ground_truth for pair in pairs):
        tags.append(NOT_GROUND_TRUTH)
    num_rows = sum(pair.num_losers if chosen.needs_losers else 1 for pair in pairs)
    value |= {
        "pretty_name": facts.name,
        "task_categories": ["image-to-image"],
        "size_categories": [_size_category(num_rows)],
        "tags": tags,
        "configs": [{"config_name": "default", "data_files": files}],
    }
    return f"---\n{to_yaml(value)}---\n\n"


def _size_category(count: int) -> str:
    bounds = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))
    return next((name for bound, name in bounds if count < bound), "100K<n<1M")
