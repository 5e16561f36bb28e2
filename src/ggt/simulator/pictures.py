"""What the simulated provider draws: a restorer's result, the truth with planted faults, or the picture smoothed."""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate

import cv2
import numpy as np

from ggt import plugins
from ggt.images import decode_image, encode_jpeg, encode_png, resize
from ggt.restorers import LocalRestorer
from ggt.restorers.simulated import CORRECTIVE_FACTOR, FAULT_RATES, NO_FAULT, STRENGTHS
from ggt.simulator.behaviour import ECHO, Behaviour, number
from ggt.simulator.reading import defects_in, look
from ggt.simulator.truths import Truths
from ggt.simulator.wire import Asked, BadRequestError
from ggt.stages.restore import plant_fault
from ggt.types import NOT_GROUND_TRUTH, Image, Prompt, RestoreTask


@dataclass(frozen=True, slots=True)
class Studio:
    """What a picture is made with; `truths` is None where none are known."""

    behaviour: Behaviour
    truths: Truths | None
    seed: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture as it leaves, and what the wire says that it is."""

    body: bytes
    mime_type: str
    size: tuple[int, int]


def draw(asked: Asked, studio: Studio, *, fault: str | None) -> Drawn:
    """Answer with a picture; the same seed, pixels, prompt and model give the same bytes.

    Raises:
        BadRequestError: no picture was sent, or one whose truth is not known where truths are asked for.
    """
    if not asked.pictures:
        raise BadRequestError("The simulated provider edits a picture: send one with the prompt.")
    lq = decode_image(asked.pictures[0].path.read_bytes()).image
    if fault == "same_as_input":
        image, maker = lq, "nothing, the input comes back"
    else:
        image, maker = _restored(lq, asked, studio)
    width, height = asked.size or (lq.shape[1], lq.shape[0])
    if fault == "reframed":
        width, height = max(1, width * 9 // 8), max(1, height * 7 // 8)
    body = _encoded(resize(image, width, height), maker, fault)
    return Drawn(body, "image/png", (width, height))


def _restored(lq: Image, asked: Asked, studio: Studio) -> tuple[Image, str]:
    """Return the picture, and the name of what made it."""
    name = studio.behaviour.restorer
    if name == ECHO:
        return cv2.medianBlur(lq, 3).astype(np.uint8, copy=False), ECHO
    restorer = plugins.load("restorers", name, LocalRestorer)
    task = _task(lq, asked, seed=number(studio.seed, "answer", asked.identity()))
    if restorer.needs_truth:
        return _rehearsed(restorer, task, asked, studio), restorer.model
    return restorer.restore(task).image, restorer.model


def _task(lq: Image, asked: Asked, *, seed: int) -> RestoreTask:
    """Do what the prompt says, in words that ggt's own strategies use; a category that it leaves open is measured."""
    category, measured = look(lq, asked.prompt)
    return RestoreTask(
        lq=lq,
        category=category,
        measurements=measured,
        prompt=Prompt("sent", asked.prompt, defects_in(asked.prompt)),
        seed=seed,
    )


def _rehearsed(restorer: LocalRestorer, task: RestoreTask, asked: Asked, studio: Studio) -> Image:
    """Plant a fault at the rates of `simulated`, or at those that were stated; else answer faithfully."""
    lq, truths = asked.pictures[0].pixel_hash, studio.truths
    if truths is None or lq not in truths.records:
        raise BadRequestError(
            "The simulated provider knows no truth of this picture: it is no lq of its folder of truths, as its "
            "recipe derives them."
        )
    truth, other = truths.truth(lq), truths.other(lq)
    rng = np.random.default_rng(task.seed)
    name = _draw_planted(studio.behaviour.planted or FAULT_RATES, rng, bool(task.prompt.defects))
    strength = float(rng.uniform(*STRENGTHS))
    seed = int(rng.integers(2**31))
    if name != NO_FAULT:
        return plant_fault(name, lq=task.lq, hq=truth, other=other, strength=strength, seed=seed)
    faithful = replace(task, truth=truth, other=other, seed=seed, plant=_plant_nothing)
    return restorer.restore(faithful).image


def _draw_planted(rates: Mapping[str, float], rng: np.random.Generator, corrective: bool) -> str:
    draw = rng.random() / (CORRECTIVE_FACTOR if corrective else 1.0)
    for name, bound in zip(rates, accumulate(rates.values()), strict=True):
        if draw < bound:
            return name
    return NO_FAULT


def _plant_nothing(
    name: str, *, lq: Image, hq: Image, other: Image, strength: float, seed: int
) -> Image:
    """Leave out what a rehearsal would plant by itself: here faults are drawn before."""
    del name, lq, other, strength, seed
    return hq


def _encoded(image: Image, maker: str, fault: str | None) -> bytes:
    stamp = {"ggt": NOT_GROUND_TRUTH, "made by": f"the simulated provider: {maker}"}
    if fault == "wrong_mime":
        text = "; ".join(f"{key}={value}" for key, value in stamp.items()).encode()
        jpeg = encode_jpeg(image, quality=90)
        # A comment segment, right after the marker that opens the file.
        return jpeg[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + jpeg[2:]
    png = encode_png(image, text=stamp)
    return png[: len(png) // 2] if fault == "undecodable" else png
