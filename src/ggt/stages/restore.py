"""Restore: one attempt of a lane, from prompt to candidate, through `ask`."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter

from ggt import plugins
from ggt.engine.ask import Answered, Asker, Parameter, Question, Service
from ggt.engine.inbox import Received
from ggt.engine.pool import Pool
from ggt.errors import ImageReadError
from ggt.faults import Fault, GoodPair
from ggt.images import decode_image, encode_png, pixel_hash, png_texts
from ggt.models import Model
from ggt.providers import EditRequest
from ggt.restorers import LocalRestorer
from ggt.stages.services import (
    Asked,
    Clients,
    Restorer,
    asking_parameters,
    edit_service,
    load_restorer,
)
from ggt.store.blobs import blob_path, read_blob, write_blob
from ggt.store.lanes import LaneRow
from ggt.types import (
    NOT_GROUND_TRUTH,
    SIMULATED,
    STAMP_KEY,
    Image,
    LqRecord,
    Prompt,
    RestoreTask,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One attempt's output: a stored PNG, its pixel hash, and what is remembered of how it was made."""

    candidate: str
    pixel_hash: str
    notes: dict[str, str | float]


CANDIDATE = TypeAdapter(Candidate)


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt is made from; `other` is another photo's lq, for rehearsals of a mix-up."""

    lane: LaneRow
    lq: LqRecord
    other: LqRecord
    prompt: Prompt
    number: int
    seed: int


@dataclass(frozen=True, slots=True)
class Workshop:
    """What restoring needs of a build: who asks, where pixels are worked on, where they lie; `side` is the lqs'."""

    asker: Asker
    pool: Pool
    clients: Clients
    blobs: Path
    side: int


async def restore(attempt: Attempt, workshop: Workshop) -> Answered:
    """Ask the lane's restorer for one candidate; the answer is a `Candidate` as JSON, None when refused."""
    restorer = load_restorer(attempt.lane.restorer)
    if isinstance(restorer, LocalRestorer):
        question = _local_question(restorer, attempt)
        service = _local_service(restorer, attempt, workshop)
    else:
        asked = Asked(attempt.lane.restorer, restorer, workshop.clients)
        question, service = ask_model(
            asked,
            attempt.lq,
            attempt.prompt.text,
            workshop=workshop,
            turn=Turn(attempt.number, attempt.lane.sample, attempt.seed),
        )
    return await workshop.asker.ask(question, service, lane=attempt.lane.id)


def _local_question(restorer: LocalRestorer, attempt: Attempt) -> Question:
    prompt = attempt.prompt
    inputs = [attempt.lq.pixel_hash]
    parameters: dict[str, Parameter] = {
        "category": attempt.lq.category,
        "seed": attempt.seed,
        "native": attempt.lq.native_blob or "",
        "defects": [json.dumps(asdict(d), sort_keys=True) for d in prompt.defects],
    }
    if restorer.needs_truth:
        inputs += [attempt.lq.truth_blob or "", attempt.other.pixel_hash]
    return Question(
        stage="restore",
        provider=attempt.lane.restorer,
        model=restorer.model,
        prompt=prompt.text,
        inputs=tuple(inputs),
        parameters=parameters,
        attempt=attempt.number,
        sample=attempt.lane.sample,
    )


def _local_service(restorer: LocalRestorer, attempt: Attempt, workshop: Workshop) -> Service:
    async def send(send_id: str) -> Received:
        del send_id  # nobody elsewhere to tell
        candidate = await workshop.pool.run(restore_here, attempt, workshop.blobs)
        return Received("answer", CANDIDATE.dump_json(candidate), version=restorer.model)

    async def read(body: bytes) -> str:
        return body.decode()

    return Service(send=send, read=read, worst_case_usd=0.0, repeatable=True)


@dataclass(frozen=True, slots=True)
class Turn:
    """Which of several askings about the same lq this is."""

    attempt: int
    sample: int
    seed: int


def ask_model(
    asked: Asked, lq: LqRecord, prompt: str, *, workshop: Workshop, turn: Turn
) -> tuple[Question, Service]:
    """Put a model's question into words, and say who answers it."""
    model, side, blobs = asked.model, workshop.side, workshop.blobs
    parameters = asking_parameters(model, width=side, height=side)
    if model.takes_seed:
        parameters["seed"] = turn.seed % 2**31
    question = Question(
        stage="restore",
        provider=model.provider,
        model=model.id,
        prompt=prompt,
        inputs=(lq.pixel_hash,),
        parameters=parameters,
        attempt=turn.attempt,
        sample=turn.sample,
    )
    request = EditRequest(
        prompt=prompt,
        image=blob_path(blobs, lq.blob),
        width=side,
        height=side,
        seed=turn.seed % 2**31 if model.takes_seed else None,
    )

    async def read(body: bytes) -> str:
        raw = write_blob(blobs, body, ".reply")
        candidate = await workshop.pool.run(read_reply, raw, blobs, lq.pixel_hash, side)
        return CANDIDATE.dump_json(candidate).decode()

    return question, edit_service(asked, request, read=read)


def restore_here(attempt: Attempt, blobs: Path) -> Candidate:
    """Run a local restorer; a pool job.

    Raises:
        UsageError: a rehearsal without a known truth.
    """
    restorer = plugins.load("restorers", attempt.lane.restorer, LocalRestorer)
    lq = attempt.lq
    task = RestoreTask(
        lq=_read(blobs, lq.blob),
        category=lq.category,
        measurements=lq.measurements,
        prompt=attempt.prompt,
        seed=attempt.seed,
        native=_read(blobs, lq.native_blob) if lq.native_blob else None,
        truth=_read(blobs, lq.truth_blob) if lq.truth_blob else None,
        other=_read(blobs, attempt.other.blob) if restorer.needs_truth else None,
        plant=plant_fault if restorer.needs_truth else None,
    )
    restored = restorer.restore(task)
    stamp = (
        {} if restorer.ground_truth else {STAMP_KEY: NOT_GROUND_TRUTH, "made by": restorer.model}
    )
    blob = write_blob(blobs, encode_png(restored.image, text=stamp))
    return Candidate(blob, pixel_hash(restored.image), dict(restored.notes))


def read_reply(raw: str, blobs: Path, lq_hash: str, side: int) -> Candidate:
    """Decode a provider's bytes into a candidate; the bytes themselves stay as they came; a pool job.

    Whatever the wire said of their type is not believed. A stamp that they carry goes on into the candidate.

    Raises:
        ValueError: no image in them, another size than was asked for, or the lq itself.
    """
    data = read_blob(blobs, raw, ".reply")
    try:
        decoded = decode_image(data)
    except ImageReadError as error:
        raise ValueError(f"undecodable: {error}") from error
    height, width = decoded.image.shape[:2]
    if (width, height) != (side, side):
        raise ValueError(f"reframed: {width}x{height} came back for {side}x{side}")
    hashed = pixel_hash(decoded.image)
    if hashed == lq_hash:
        raise ValueError("same as the input")
    stamp = {key: value for key, value in png_texts(data).items() if key == STAMP_KEY}
    notes: dict[str, str | float] = {"reply": raw, "format": decoded.format, **stamp}
    return Candidate(write_blob(blobs, encode_png(decoded.image, text=stamp)), hashed, notes)


def makes_ground_truth(restorer: Restorer, *, version: str, stamp: str | float | None) -> bool:
    """Say whether a candidate may be a target to train on: no baseline, no rehearsal, no simulation."""
    if isinstance(restorer, Model):
        return stamp is None and not version.startswith(SIMULATED)
    return restorer.ground_truth


def plant_fault(
    name: str, *, lq: Image, hq: Image, other: Image, strength: float, seed: int
) -> Image:
    """Spoil a faithful target by a named fault, for restorers that rehearse."""
    fault = plugins.load("faults", name, Fault)
    rng = np.random.default_rng(seed)
    return fault.plant(GoodPair(lq=lq, hq=hq, other=other), strength, rng).hq


def _read(blobs: Path, sha256: str) -> Image:
    return decode_image(read_blob(blobs, sha256)).image
