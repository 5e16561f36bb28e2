"""An answer as it leaves: a picture or a text, with what may be wrong with it, and the usage that is charged."""

from dataclasses import replace

from ggt.models import Usage
from ggt.simulator.behaviour import unit
from ggt.simulator.pictures import Studio, draw
from ggt.simulator.texts import say
from ggt.simulator.wire import Asked, HttpReply, Made, Wire, fits, row_of, text_tokens

_REMARKED = 0.25
"""Share of the pictures before which a text stands, where the wire allows it; ours."""
_REMARK = "Here is the restored photo."
_GARBAGE = "Image B looks fine to me, I would give it 8/10 overall!"


def answer(
    asked: Asked, made: Made, studio: Studio, wire: Wire, fault: str
) -> tuple[HttpReply, Usage]:
    """Make an answer and write it for the wire, in one job: pictures must not wait in memory between the two."""
    make = _picture if asked.kind == "image" else _text
    made = make(asked, made, studio, wire, fault)
    return wire.answer(asked, made), made.usage


def _picture(asked: Asked, made: Made, studio: Studio, wire: Wire, fault: str) -> Made:
    drawn = draw(asked, studio, fault=fault)
    remarked = unit(studio.seed, "remark", asked.identity()) < _REMARKED
    remark = _REMARK if remarked and wire.has_remarks else ""
    usage = replace(
        made.usage,
        output_tokens=made.usage.output_tokens + text_tokens(remark),
        image_tokens=_image_tokens(asked, wire),
        num_images=1,
    )
    return replace(
        made,
        body=drawn.body,
        mime_type=drawn.mime_type,
        size=drawn.size,
        usage=usage,
        remark=remark,
    )


def _image_tokens(asked: Asked, wire: Wire) -> int:
    """Count a picture as the row does that was asked for, so that no bill exceeds what a client reserves."""
    row = row_of(asked.model, asked.parameters)
    if row is not None and row.typical_image_tokens and fits(row, asked.parameters):
        return row.typical_image_tokens
    return wire.image_tokens(asked)


def _text(asked: Asked, made: Made, studio: Studio, wire: Wire, fault: str) -> Made:
    del studio, wire
    text = _GARBAGE if fault == "bad_json" else say(asked)
    cut = fault == "truncated_json"
    text = text[: len(text) // 2] if cut else text
    usage = replace(made.usage, output_tokens=made.usage.output_tokens + text_tokens(text))
    return replace(made, body=text.encode(), mime_type="text/plain", usage=usage, cut=cut)
