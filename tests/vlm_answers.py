"""Answers of vlms for tests: everything that a test does not care about has a plain value."""

from ggt.answers import (
    AspectAnswer,
    Description,
    Judgement,
    KeptAnswer,
    MustKeep,
    Region,
    SeenDefect,
)
from ggt.types import ASPECTS

PROMPT = "Remove the grain from the sky and the haze over the hills. Keep everything else as it is."


def region(left: int, top: int, right: int, bottom: int) -> Region:
    """A rectangle in thousandths."""
    return Region(left=left, top=top, right=right, bottom=bottom)


def kept_item(what: str, *sides: int) -> MustKeep:
    """A must-keep item, by default in the middle."""
    return MustKeep(what=what, where=region(*(sides or (400, 400, 600, 600))))


def description(prompt: str = PROMPT, *must_keep: str) -> Description:
    """What a vlm might see in a hazy photo."""
    return Description(
        degradations=("clear haze over the hills", "slight grain in the sky"),
        scene="Hills under a grey sky.",
        must_keep=tuple(kept_item(what) for what in must_keep),
        faces=False,
        text=False,
        people=False,
        nsfw=False,
        prompt=prompt,
    )


def seen(
    kind: str = "hue", severity: str = "clear", where: Region | None = None, what: str = "red sky"
) -> SeenDefect:
    """A defect as a vlm names it."""
    return SeenDefect.model_validate(
        {"what": what, "kind": kind, "where": where, "severity": severity}
    )


def aspect(
    level: int = 4, confidence: float = 0.8, *defects: SeenDefect, reason: str = "looked at it"
) -> AspectAnswer:
    """What a vlm says of one aspect."""
    return AspectAnswer(reason=reason, defects=defects, level=level, confidence=confidence)


def judgement(*kept: tuple[str, str], **aspects: AspectAnswer) -> Judgement:
    """A vote: aspects that are not named are good; `kept` are pairs of item and answer."""
    answers = {name: aspects.get(name, aspect()) for name in ASPECTS}
    items = [KeptAnswer.model_validate({"what": what, "kept": said}) for what, said in kept]
    return Judgement.model_validate({"kept": tuple(items), **answers})
