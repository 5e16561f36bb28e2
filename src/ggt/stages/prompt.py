"""Prompt: what a restorer is told about an lq; where the strategy asks a vlm, through `ask`."""

from dataclasses import dataclass
from pathlib import Path

from ggt import plugins
from ggt.answers import FLAGS, Description, Flag
from ggt.engine.ask import Parameter, Question, Service
from ggt.engine.inbox import Received
from ggt.images import decode_image
from ggt.prompts import PromptStrategy, PromptTask
from ggt.settings.lanes import split_prompt_name
from ggt.stages.restore import Workshop
from ggt.stages.services import (
    Asked,
    answer_request,
    answer_service,
    asking_parameters,
    load_vlm,
)
from ggt.store.blobs import blob_path, read_blob
from ggt.types import LqRecord, Prompt
from ggt.vlms import LocalVlm, Sight

DESCRIBES = "adaptive"
"""The strategy whose question is asked when only the flags are wanted."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a prompt or a description is wanted for: an lq, what is told of it, and which attempt of which lane."""

    lq: LqRecord
    task: PromptTask
    lane: int
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Written:
    """A prompt, and what the vlm that wrote it saw; None where the strategy asks nobody."""

    prompt: Prompt
    description: Description | None


def load_strategy(name: str) -> PromptStrategy:
    """Load a prompt strategy.

    Raises:
        UnknownPluginError: no such name.
    """
    return plugins.load("prompts", name, PromptStrategy)


async def write_prompt(lane_prompt: str, wanted: Wanted, workshop: Workshop) -> Written | None:
    """Write an attempt's prompt; None when the vlm refused or gave nothing readable, its resends used up.

    Raises:
        InDoubtError, StopRunError: as `ask` does.
    """
    name, vlm = split_prompt_name(lane_prompt)
    strategy = load_strategy(name)
    if strategy.question is None:
        return Written(strategy.write(wanted.task, None), None)
    assert vlm is not None, "found before the build began"
    description = await describe(vlm, wanted, strategy, workshop)
    if description is None:
        return None
    return Written(strategy.write(wanted.task, description), description)


async def describe(
    vlm_name: str, wanted: Wanted, strategy: PromptStrategy, workshop: Workshop
) -> Description | None:
    """Let a vlm look at an lq; None when it refused or gave nothing readable.

    The same lq and the same question is one call, whichever lanes ask it.
    """
    assert strategy.question is not None, "only strategies that ask describe"
    vlm = load_vlm(vlm_name)
    text = strategy.question(wanted.task)
    if isinstance(vlm, LocalVlm):
        who, parameters = (vlm_name, vlm.model), dict[str, Parameter]()
        service = _local_service(vlm_name, wanted, workshop)
    else:
        who = (vlm.provider, vlm.id)
        parameters = asking_parameters(vlm, version=strategy.version)
        asked = Asked(vlm_name, vlm, workshop.clients)
        picture = blob_path(workshop.blobs, wanted.lq.blob)
        service = answer_service(
            asked, answer_request((text, picture), Description), kind=Description
        )
    question = Question(
        stage="prompt",
        provider=who[0],
        model=who[1],
        prompt=text,
        inputs=(wanted.lq.pixel_hash,),
        parameters=parameters,
        attempt=wanted.attempt,
        sample=0,
    )
    answered = await workshop.asker.ask(question, service, lane=wanted.lane)
    return None if answered.answer is None else Description.model_validate_json(answered.answer)


def _local_service(name: str, wanted: Wanted, workshop: Workshop) -> Service:
    async def send(send_id: str) -> Received:
        del send_id  # nobody elsewhere to tell
        text = await workshop.pool.run(describe_here, name, wanted.lq, wanted.task, workshop.blobs)
        return Received("answer", text.encode())

    async def read(body: bytes) -> str:
        return body.decode()

    return Service(send=send, read=read, worst_case_usd=0.0, repeatable=True)


def describe_here(name: str, lq: LqRecord, task: PromptTask, blobs: Path) -> str:
    """Describe by a vlm that runs here; a pool job; the answer is a `Description` as JSON."""
    vlm = plugins.load("vlms", name, LocalVlm)
    sight = Sight(
        lq=decode_image(read_blob(blobs, lq.blob)).image,
        category=lq.category,
        measurements=lq.measurements,
        defects=task.defects,
    )
    return vlm.describe(sight).model_dump_json()


def raised(description: Description | None) -> tuple[Flag, ...]:
    """Name the flags that a description raises."""
    if description is None:
        return ()
    return tuple(flag for flag in FLAGS if description.shows(flag))
