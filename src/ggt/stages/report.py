"""The page about a workspace: a folder that opens from a disk, without a server and without asking for anything."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

import ggt
from ggt import plugins
from ggt.images import decode_image, encode_jpeg, encode_png
from ggt.reports import (
    Failure,
    Figure,
    FunnelStep,
    Paid,
    ReportFacts,
    ScoreSample,
    Section,
    Survival,
)
from ggt.reports._templates import asset, render_template
from ggt.stages import funnel, outcomes
from ggt.stages.release.samples import cut_pair, trust_of
from ggt.stages.spending import named_shares, spending
from ggt.stages.whole_folder import check_replaceable, written_whole
from ggt.store.workspace import Layout, Reading, open_readonly
from ggt.types import NOT_GROUND_TRUTH, Aspect, Box, Image, Pair, Rejected, TrustMap

MARK = "report.json"
"""The counts for machines; its presence says that a folder is a report."""
NUM_PAIRS = 24
NUM_FAILURES_PER_ASPECT = 6
_QUALITY = 92
_ASSETS = ("report.css", "report.js")
_DOUBT = np.array((150, 40, 20), np.float32)
"""The colour that a cell takes on as its trust falls to 0."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A section of the page as its template reads it: HTML that the section's own template has escaped."""

    name: str
    title: str
    html: Markup


def write_report(workspace: Path, to: Path, *, num_pairs: int = NUM_PAIRS) -> Path:
    """Write the report of what a workspace holds now, also while it is being built; returns index.html.

    The same workspace gives the same files.

    Raises:
        WorkspaceError: not a workspace.
        UsageError: `to` holds something that is no report.
        StorageError: `to` cannot be written.
    """
    check_replaceable(to, marks=(MARK, "index.html"), what="report")
    with open_readonly(workspace) as reading, written_whole(to) as folder:
        (folder / "img").mkdir()
        facts = _gather(reading, folder, name=workspace.resolve().name, num_pairs=num_pairs)
        write_page(folder, facts)
    return to / "index.html"


def write_page(folder: Path, facts: ReportFacts) -> None:
    """Render every section, in order, and write the page with what it shows."""
    loaded = {name: plugins.load("reports", name, Section) for name in plugins.names("reports")}
    shown: list[Shown] = []
    for name, section in sorted(loaded.items(), key=lambda item: item[1].position):
        rendered = section.render(facts)
        shown.append(Shown(name, section.title, Markup(rendered.html)))
        for address, content in rendered.files.items():
            _write(folder / address, content)
    fields = {
        "facts": facts,
        "sections": shown,
        "stamp": NOT_GROUND_TRUTH,
        "version": ggt.__version__,
    }
    page = render_template("page.html.j2", fields)
    # Names of files may hold bytes that are no UTF-8: they are shown as escapes.
    _write(folder / "index.html", page.encode("utf-8", "backslashreplace"))
    for name in _ASSETS:
        _write(folder / "assets" / name, asset(name))
    counts = {
        "name": facts.name,
        "num_lqs": facts.num_lqs,
        "num_pairs": facts.num_pairs,
        "num_rejected": facts.num_rejected,
        "num_waiting": facts.num_waiting,
    }
    _write(folder / MARK, (json.dumps(counts, indent=1) + "\n").encode())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _gather(reading: Reading, folder: Path, *, name: str, num_pairs: int) -> ReportFacts:
    fates = list(outcomes.fates(reading))
    pairs = list(outcomes.pairs(reading))
    rejected = list(outcomes.rejected(reading))
    waiting = sum(fate.stage in ("waiting", "review") for fate in fates)
    chosen = sorted(sorted(pairs, key=lambda p: _lot(p.id))[:num_pairs], key=_by_category)
    return ReportFacts(
        name=name,
        num_lqs=len(fates),
        num_pairs=len(pairs),
        num_rejected=len(rejected),
        num_waiting=waiting,
        any_not_ground_truth=not all(item.ground_truth for item in (*pairs, *rejected)),
        steps=tuple(
            FunnelStep(step.words, step.num_ended, step.num_left, step.reasons)
            for step in funnel.steps(fates)
        ),
        survival=tuple(
            Survival(category, severity, share.num_pairs, share.num_tried)
            for (category, severity), share in funnel.survival(fates).items()
        ),
        pairs=tuple(_pair_figure(pair, reading.layout, folder) for pair in chosen),
        failures=tuple(_failure(item, reading.layout, folder) for item in _sample(rejected)),
        scores=tuple(_scores(pairs, accepted=True)) + tuple(_scores(rejected, accepted=False)),
        costs=tuple(
            Paid(what, share.spent_usd, share.num_pairs)
            for what, share in named_shares(spending(reading))
        ),
    )


def _lot(text: str) -> str:
    """Order as if at random, the same way each time: nobody picked the nice ones."""
    return hashlib.sha256(f"report {text}".encode()).hexdigest()


def _by_category(pair: Pair) -> tuple[str, str]:
    return pair.category, pair.id


def _scores(items: Iterable[Pair | Rejected], *, accepted: bool) -> Iterable[ScoreSample]:
    for item in items:
        for name, value in item.assessment.scores.items():
            if np.isfinite(value):
                yield ScoreSample(name, item.category, float(value), accepted)


def _pair_figure(pair: Pair, layout: Layout, folder: Path) -> Figure:
    lq, gt = cut_pair(pair, layout.read_blob)
    trust = None
    trusted = trust_of(pair, gt, layout.read_blob)
    if trusted is not None:
        trust = f"img/{pair.id}-trust.png"
        (folder / trust).write_bytes(encode_png(trust_picture(trusted)))
    return Figure(
        id=pair.id,
        lq=_picture(folder, f"{pair.id}-lq", lq),
        other=_picture(folder, f"{pair.id}-gt", gt),
        width=lq.shape[1],
        height=lq.shape[0],
        category=pair.category,
        title=pair.photo.path,
        facts=(
            ("restorer", f"{pair.restorer} ({pair.version})"),
            ("assurance", pair.assurance),
            ("attempt", str(pair.attempt)),
            ("levels", _levels(pair)),
            ("severity", f"{pair.measurements.severity:.2f}"),
            ("licence", pair.photo.licence or "unknown"),
            ("author", pair.photo.author or "not stated"),
        ),
        ground_truth=pair.ground_truth,
        trust=trust,
    )


def _levels(pair: Pair) -> str:
    return " ".join(str(aspect.level or "–") for aspect in pair.assessment.aspects)


def trust_picture(trust_map: TrustMap) -> Image:
    """Paint a trust map: white where the target may be believed, dark red where not."""
    trust = np.clip(np.asarray(trust_map, np.float32), 0, 1)[:, :, np.newaxis]
    return np.rint(255 * trust + _DOUBT * (1 - trust)).astype(np.uint8)


def _sample(rejected: Sequence[Rejected]) -> list[Rejected]:
    """Draw some of each aspect by lot."""
    counts: dict[str | None, int] = {}
    chosen: list[Rejected] = []
    for item in sorted(rejected, key=lambda r: _lot(f"{r.id} {r.restorer} {r.attempt}")):
        aspect = _aspect(item)
        counts[aspect] = counts.get(aspect, 0) + 1
        if counts[aspect] <= NUM_FAILURES_PER_ASPECT:
            chosen.append(item)
    return chosen


def _failure(item: Rejected, layout: Layout, folder: Path) -> Failure:
    name = f"{item.id}-{_lot(f'{item.restorer} {item.candidate_blob}')[:8]}"
    lq = decode_image(layout.read_blob(item.lq_blob), name=f"lq of {item.id}").image
    candidate = decode_image(layout.read_blob(item.candidate_blob), name=item.id).image
    notes = tuple((key, _note(value)) for key, value in sorted(item.notes.items()))
    figure = Figure(
        id=name,
        lq=_picture(folder, f"{name}-lq", lq),
        other=_picture(folder, f"{name}-candidate", candidate),
        width=lq.shape[1],
        height=lq.shape[0],
        category=item.category,
        title=item.photo.path,
        facts=(
            ("restorer", item.restorer),
            ("attempt", str(item.attempt)),
            ("stage", item.assessment.stage or "a person"),
            *notes,
        ),
        ground_truth=item.ground_truth,
        boxes=tuple(_boxes(item)),
    )
    return Failure(figure, _aspect(item), item.assessment.reasons, item.assessment.defects)


def _aspect(item: Rejected) -> Aspect | None:
    defects = item.assessment.defects
    return defects[0].aspect if defects else None


def _boxes(item: Rejected) -> Iterable[Box]:
    """Yield where the defects sit, counted from the corner of the whole lq."""
    for defect in item.assessment.defects:
        if defect.box is not None:
            yield defect.box


def _note(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.3g}"


def _picture(folder: Path, name: str, image: Image) -> str:
    address = f"img/{name}.jpg"
    (folder / address).write_bytes(encode_jpeg(image, quality=_QUALITY, full_colour=True))
    return address
