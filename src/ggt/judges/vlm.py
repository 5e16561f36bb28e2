"""Vlm: shows a vlm both sides of a pair and asks about five aspects; its levels are read here, the verdict elsewhere.

Both pictures go at full size, and small places that must be kept once more, at their own pixels: a judge that is shown
reduced pictures cannot see what is judged. Reasons and located defects are asked before levels, levels have written
anchors, and an item that must be kept and is not fails the pair's objects whatever the level says. Texts, anchors and
bounds are ours; how well it judges is for `ggt calibrate` to measure.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from string import Template

from ggt.answers import Judgement, MustKeep, schema_of
from ggt.judges import AskingJudge, JudgeTask, Opinion
from ggt.judges import _shown as shown
from ggt.judges._votes import combine
from ggt.types import Box, Category, Image

_TEXTS = Path(__file__).with_name("texts")
OPENING, QUESTION, FAULTS = (
    (_TEXTS / f"vlm_{name}.txt").read_text(encoding="utf-8").strip()
    for name in ("opening", "question", "faults")
)
KINDS = frozenset(line.partition(":")[0] for line in FAULTS.splitlines())
"""The faults that a vlm may name: those that can be planted, so that calibration can count them."""
CANDIDATE = "Image B, the restored candidate:"
CROP = "Item {number} from near, every pixel drawn as {size}x{size}, A on the left and B on the right of the grey bar:"
NO_ITEMS = "(no items)"
MAX_ITEMS = 12
"""As many as an answer holds."""
_SHOWN_AS: dict[Category, str] = {
    "general": "noise, blur or compression",
    "rain": "rain",
    "haze": "haze or fog",
    "snow": "falling snow",
    "lowlight": "missing light",
    "old": "an old, damaged print",
}


def content(task: JudgeTask) -> tuple[str | Image, ...]:
    """Lay out what the vlm is sent: both sides at full size, small places from near, and the question."""
    items = task.must_keep[:MAX_ITEMS]
    opening = Template(OPENING).substitute(category=_SHOWN_AS[task.category])
    parts: list[str | Image] = [opening, task.lq, CANDIDATE, task.candidate]
    for crop in shown.crops(task.lq, task.candidate, items):
        parts += [CROP.format(number=crop.number, size=shown.ENLARGEMENT), crop.picture]
    question = Template(QUESTION).substitute(items=_listed(items), faults=FAULTS)
    return (*parts, question)


def opinion(votes: Sequence[Judgement], box: Box, min_level: int) -> Opinion:
    """Combine the votes; see `ggt.judges._votes.combine`."""
    return combine(votes, box, min_level=min_level, kinds=KINDS)


def _listed(items: Sequence[MustKeep]) -> str:
    lines = [f"{number}. {' '.join(item.what.split())}" for number, item in enumerate(items, 1)]
    return "\n".join(lines) or NO_ITEMS


def _version() -> str:
    parts = {
        "texts": [OPENING, QUESTION, FAULTS, CANDIDATE, CROP, NO_ITEMS, sorted(_SHOWN_AS.items())],
        "schema": schema_of(Judgement),
        "preprocessing": shown.SETTINGS,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


PLUGIN = AskingJudge(
    content=content,
    opinion=opinion,
    version=_version(),
    source="Aspects: GGT-100K (arXiv 2605.31039), its texts are unpublished; texts, anchors and rules here are ours",
)
