"""From a name in a recipe to who answers: plugin files, models of models.toml, and their open clients."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from ggt import plugins
from ggt.answers import Answer, read_answer, schema_of
from ggt.engine.ask import Parameter, Service
from ggt.engine.inbox import Received
from ggt.engine.limits import Ceiling, Load
from ggt.errors import UnknownPluginError, UsageError
from ggt.models import Model, Usage, cost_usd, find_model, models, worst_case_usd
from ggt.providers import (
    AnswerRequest,
    Client,
    Connection,
    EditRequest,
    Pending,
    Provider,
    ProviderStopError,
    Reply,
)
from ggt.providers._keys import find_key
from ggt.providers._wire import is_here
from ggt.restorers import LocalRestorer
from ggt.settings.limits import LimitSettings
from ggt.settings.recipe import Recipe
from ggt.vlms import LocalVlm

Restorer = LocalRestorer | Model
Vlm = LocalVlm | Model
_START = 4
"""Sends under way at once to a provider of which nothing is known yet; ours."""


def load_restorer(name: str) -> Restorer:
    """Load a restorer: a file of restorers/, or an mfm of models.toml.

    Raises:
        UnknownPluginError: no such name; the message lists both kinds.
    """
    if name in plugins.names("restorers"):
        return plugins.load("restorers", name, LocalRestorer)
    return _model(name, "mfm", plugins.names("restorers"))


def load_vlm(name: str) -> Vlm:
    """Load a vlm: a file of vlms/, or a vlm of models.toml.

    Raises:
        UnknownPluginError: no such name; the message lists both kinds.
    """
    if name in plugins.names("vlms"):
        return plugins.load("vlms", name, LocalVlm)
    return _model(name, "vlm", plugins.names("vlms"))


def _model(name: str, kind: str, files: list[str]) -> Model:
    model = find_model(name)
    if model is not None and model.kind == kind:
        return model
    known = [*files, *(alias for alias, row in models().items() if row.kind == kind)]
    what = "restorer" if kind == "mfm" else "vlm"
    raise UnknownPluginError(plugins.unknown(what, name, known))


def provider_of(model: Model) -> Provider:
    """Load the client of a model's wire."""
    return plugins.load("providers", model.provider, Provider)


def base_url_of(model: Model) -> str | None:
    """Say where a model is reached: its own address, the environment's, or None for the vendor's."""
    variable = provider_of(model).base_url_variable
    return model.base_url or (os.environ.get(variable) if variable else None) or None


def key_variable_of(model: Model) -> str | None:
    """Name the environment variable of a model's key; None when it needs none."""
    variable = provider_of(model).key_variable if model.key_variable is None else model.key_variable
    return variable or None


def leaves_machine(name: str) -> bool:
    """Say whether a photo is sent to somebody else when this restorer or vlm is asked."""
    model = find_model(name)
    if model is None or provider_of(model).repeatable:
        return False
    return not is_here(base_url_of(model))


def is_ours(name: str) -> bool:
    """Say whether whoever has this name runs in this process and costs nothing."""
    model = find_model(name)
    return model is None or provider_of(model).repeatable


class Clients:
    """The open clients of one build, one for each model; whoever made the stack closes them."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._open: dict[str, Client] = {}
        self._opening = asyncio.Lock()

    async def of(self, alias: str, model: Model) -> Client:
        """Return the client of a model, opening it at its first use."""
        async with self._opening:
            if alias not in self._open:
                variable = key_variable_of(model)
                key = find_key(variable) if variable else None
                connection = Connection(model, base_url_of(model), key)
                opened = provider_of(model).open(connection)
                try:
                    self._open[alias] = await self._stack.enter_async_context(opened)
                except UsageError as error:  # nothing left: it must not become a doubt
                    raise ProviderStopError(f"{alias} cannot be asked: {error}") from error
        return self._open[alias]


@dataclass(frozen=True, slots=True)
class Asked:
    """A model and the clients that reach it."""

    alias: str
    model: Model
    clients: Clients


def asking_parameters(model: Model, **more: Parameter) -> dict[str, Parameter]:
    """What of a model's row changes its answers: part of every question to it."""
    own: dict[str, Parameter] = dict(model.parameters)
    own |= {"api_version": model.api_version or ""}
    if model.base_url is not None:
        own["base_url"] = model.base_url  # another server under the same id is another model
    return own | more


def edit_service(
    asked: Asked, request: EditRequest, *, read: Callable[[bytes], Awaitable[str]]
) -> Service:
    """Make the service of one picture from an mfm; `read` turns the reply's bytes into the ledger's answer."""

    async def send(send_id: str) -> Received | Pending:
        client = await asked.clients.of(asked.alias, asked.model)
        if client.edit is None:
            raise ProviderStopError(f"{asked.alias}: {asked.model.provider} restores no pictures")
        return received_of(asked.model, await client.edit(request, send_id))

    return _service(asked, send, read, images=1)


def answer_service(asked: Asked, request: AnswerRequest, *, kind: type[Answer]) -> Service:
    """Make the service of one answer from a vlm; what is no such answer is a bad output."""

    async def send(send_id: str) -> Received | Pending:
        client = await asked.clients.of(asked.alias, asked.model)
        if client.answer is None:
            raise ProviderStopError(f"{asked.alias}: {asked.model.provider} answers no questions")
        return received_of(asked.model, await client.answer(request, send_id))

    async def read(body: bytes) -> str:
        return read_answer(kind, body.decode("utf-8", "replace")).model_dump_json()

    return _service(asked, send, read, images=0)


def answer_request(content: tuple[str | Path, ...], kind: type[Answer]) -> AnswerRequest:
    """Ask for one value of a kind."""
    return AnswerRequest(content, schema_of(kind))


def _service(
    asked: Asked,
    send: Callable[[str], Awaitable[Received | Pending]],
    read: Callable[[bytes], Awaitable[str]],
    *,
    images: int,
) -> Service:
    model = asked.model

    async def poll(remote_id: str) -> Received | None:
        client = await asked.clients.of(asked.alias, model)
        if client.poll is None:
            return None
        reply = await client.poll(remote_id)
        received = None if reply is None else received_of(model, reply)
        assert not isinstance(received, Pending), "a poll brings a result or nothing"
        return received

    return Service(
        send=send,
        read=read,
        worst_case_usd=worst_case_usd(model),
        repeatable=provider_of(model).repeatable,
        load=Load(images=images, tokens=model.input_tokens),
        poll=poll,
        patience_s=max(model.timeout_s, 900.0),
    )


def _cost_usd(model: Model, reply: Reply) -> float:
    """Say what a reply cost; a text whose usage nobody states may have cost as much as was reserved."""
    unstated = reply.usage is None or reply.usage == Usage()
    if reply.kind == "text" and unstated:
        return worst_case_usd(model)
    return cost_usd(model, reply.usage, num_images=int(reply.kind == "image"))


def received_of(model: Model, reply: Reply | Pending) -> Received | Pending:
    """Turn a wire's outcome into the engine's, with what it cost."""
    if isinstance(reply, Pending):
        return reply
    told = [f"refused at the {reply.at}" if reply.at else "", reply.code, reply.detail]
    return Received(
        kind="answer" if reply.kind in ("image", "text") else reply.kind,
        body=reply.body,
        cost_usd=_cost_usd(model, reply),
        version=reply.version,
        detail=": ".join(part for part in told if part),
        request_id=reply.request_id,
    )


def ceilings(recipe: Recipe) -> dict[str, Ceiling]:
    """Say what each model that a recipe asks may be given: the user's own limits over the row's rates.

    Two aliases of one (provider, id) share one ceiling, the lower of both.
    """
    found: dict[str, Ceiling] = {}
    for name in sorted(recipe.model_names()):
        model = find_model(name)
        if model is None:
            continue
        ceiling = _ceiling(recipe, name, model)
        who = f"{model.provider}/{model.id}"
        found[who] = _lower(found[who], ceiling) if who in found else ceiling
    return found


def _ceiling(recipe: Recipe, name: str, model: Model) -> Ceiling:
    own = recipe.limits.get(name, LimitSettings())
    rates = model.rates
    return Ceiling(
        most=own.num_under_way or recipe.budget.num_under_way,
        start=None if provider_of(model).repeatable else own.start or _START,
        requests_per_minute=own.requests_per_minute or rates.requests_per_minute,
        images_per_minute=own.images_per_minute or rates.images_per_minute,
        tokens_per_minute=own.tokens_per_minute or rates.tokens_per_minute,
    )


def _lower(one: Ceiling, other: Ceiling) -> Ceiling:
    return Ceiling(
        most=min(one.most, other.most),
        start=_least(one.start, other.start),
        requests_per_minute=_least(one.requests_per_minute, other.requests_per_minute),
        images_per_minute=_least(one.images_per_minute, other.images_per_minute),
        tokens_per_minute=_least(one.tokens_per_minute, other.tokens_per_minute),
    )


def _least(*stated: int | None) -> int | None:
    return min((value for value in stated if value is not None), default=None)
