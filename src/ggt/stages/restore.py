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
from ggt.images import decode_image, encode_png, pixel_hash
from ggt.restorers import LocalRestorer, RemoteRestorer, RemoteTask
from ggt.store.blobs import blob_path, read_blob, write_blob
from ggt.store.lanes import LaneRow
from ggt.types import NOT_GROUND_TRUTH, Image, LqRecord, Prompt, RestoreTask

Restorer = LocalRestorer | RemoteRestorer


@dataclass(frozen=True, slots=True)
class Candidate:
    """One attempt's output: a stored PNG, its pixel hash, and what a local restorer remembers of it."""

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


def load_restorer(name: str) -> Restorer:
    """Load a restorer of either kind.

    Raises:
        UnknownPluginError: no such name.
    """
    return plugins.load("restorers", name, (LocalRestorer, RemoteRestorer))


async def restore(attempt: Attempt, *, asker: Asker, pool: Pool, blobs: Path) -> Answered:
    """Ask the lane's restorer for one candidate; the answer is a `Candidate` as JSON, None when refused."""
    restorer = load_restorer(attempt.lane.restorer)
    service = (
        _local_service(restorer, attempt, pool=pool, blobs=blobs)
        if isinstance(restorer, LocalRestorer)
        else _remote_service(restorer, attempt, pool=pool, blobs=blobs)
    )
    return await asker.ask(_question(restorer, attempt), service, lane=attempt.lane.id)


def _question(restorer: Restorer, attempt: Attempt) -> Question:
    prompt = attempt.prompt
    inputs = [attempt.lq.pixel_hash]
    parameters: dict[str, Parameter] = {"category": attempt.lq.category}
    if isinstance(restorer, LocalRestorer):
        parameters["seed"] = attempt.seed
        parameters["native"] = attempt.lq.native_blob or ""
        parameters["defects"] = [json.dumps(asdict(d), sort_keys=True) for d in prompt.defects]
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


def _local_service(
    restorer: LocalRestorer, attempt: Attempt, *, pool: Pool, blobs: Path
) -> Service:
    async def send(send_id: str) -> Received:
        del send_id  # nobody elsewhere to tell
        candidate = await pool.run(restore_here, attempt, blobs)
        return Received("answer", CANDIDATE.dump_json(candidate), version=restorer.model)

    async def read(body: bytes) -> str:
        return body.decode()

    return Service(send=send, read=read, worst_case_usd=0.0, repeatable=True)


def _remote_service(
    restorer: RemoteRestorer, attempt: Attempt, *, pool: Pool, blobs: Path
) -> Service:
    lq = attempt.lq
    task = RemoteTask(
        lq=blob_path(blobs, lq.blob),
        category=lq.category,
        prompt=attempt.prompt,
        attempt=attempt.number,
        sample=attempt.lane.sample,
    )

    async def send(send_id: str) -> Received:
        reply = await restorer.submit(task, send_id)
        kind = "answer" if reply.kind == "image" else reply.kind
        return Received(kind, reply.body, reply.cost_usd, reply.version, reply.detail)

    async def read(body: bytes) -> str:
        raw = write_blob(blobs, body, ".reply")
        candidate = await pool.run(read_reply, attempt.lane.restorer, raw, blobs)
        return CANDIDATE.dump_json(candidate).decode()

    return Service(send=send, read=read, worst_case_usd=restorer.worst_case_usd, repeatable=False)


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
    stamp = {} if restorer.ground_truth else {"ggt": NOT_GROUND_TRUTH, "made by": restorer.model}
    blob = write_blob(blobs, encode_png(restored.image, text=stamp))
    return Candidate(blob, pixel_hash(restored.image), dict(restored.notes))


def read_reply(name: str, raw: str, blobs: Path) -> Candidate:
    """Decode a provider's bytes into a candidate; the bytes themselves stay as they came; a pool job.

    Raises:
        ValueError: no image in them.
    """
    restorer = plugins.load("restorers", name, RemoteRestorer)
    try:
        image = restorer.read_image(read_blob(blobs, raw, ".reply"))
    except ImageReadError as error:
        raise ValueError(str(error)) from error
    return Candidate(write_blob(blobs, encode_png(image)), pixel_hash(image), {"reply": raw})


def plant_fault(
    name: str, *, lq: Image, hq: Image, other: Image, strength: float, seed: int
) -> Image:
    """Spoil a faithful target by a named fault, for restorers that rehearse."""
    fault = plugins.load("faults", name, Fault)
    rng = np.random.default_rng(seed)
    return fault.plant(GoodPair(lq=lq, hq=hq, other=other), strength, rng).hq


def _read(blobs: Path, sha256: str) -> Image:
    return decode_image(read_blob(blobs, sha256)).image
