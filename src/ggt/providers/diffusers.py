"""Diffusers: image-editing pipelines in this process (Qwen-Image-Edit, FLUX.1 Kontext, InstructPix2Pix and others).

Free and repeatable: a crash may simply repeat an edit. How to run them: docs/local-models.md.
"""

import asyncio
import gc
import importlib.util
import re
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from ggt.models import Model
from ggt.providers import (
    Client,
    Connection,
    EditRequest,
    InvalidRequestError,
    Provider,
    ProviderStopError,
    Reply,
)

if TYPE_CHECKING:
    from ggt.providers._pipeline import Editor


_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")


class _ShardIndex(BaseModel):
    weight_map: dict[str, str]
    """The file of each tensor."""


@asynccontextmanager
async def open_client(connection: Connection) -> AsyncGenerator[Client]:
    """Open a client; the first edit loads the weights, leaving frees them."""
    held = _Held(connection.model)
    # One worker: one edit at a time, and the event loop goes on meanwhile.
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="diffusers") as worker:

        async def edit(request: EditRequest, _send_id: str) -> Reply:
            return await asyncio.get_running_loop().run_in_executor(worker, held.edit, request)

        try:
            yield Client(edit=edit)
        finally:
            held.stop.set()
            await asyncio.get_running_loop().run_in_executor(worker, held.free)


class _Held:
    """The pipeline of one client, loaded when it is first needed; used by one thread."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._editor: Editor | None = None
        self.stop = threading.Event()
        """Ends an edit under way at its next step."""

    def edit(self, request: EditRequest) -> Reply:
        from ggt.providers._pipeline_loading import load

        if self.stop.is_set():
            raise ProviderStopError("stopped before the edit began")
        if self._editor is None:
            self._editor = load(self._model, self.stop)
        return self._editor.edit(request)

    def free(self) -> None:
        if self._editor is None:
            return
        import torch

        self._editor = None
        gc.collect()  # hooks and modules refer to each other
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()


def missing(model: Model) -> str | None:
    """Say what a row lacks before anything is loaded: a seed, a setting, weights on disk."""
    from ggt.providers._pipeline import NO_SEED
    from ggt.providers._pipeline_loading import load_settings, place_of

    if not model.takes_seed:
        return NO_SEED
    try:
        settings = load_settings(model)
    except InvalidRequestError as error:
        return str(error)
    if settings.lora and not _is_there(settings.lora):
        return f"parameters.lora = {settings.lora!r} is neither a file nor a folder: set it to one"
    place = place_of(model)
    if Path(place).is_dir():
        return _incomplete(Path(place), variant=settings.variant)
    if not _HUB_ID.fullmatch(place):
        return f"the folder {place!r} does not exist: set id to the folder of the weights, or to a hub id"
    return _not_cached(place, revision=settings.revision, variant=settings.variant)


def _is_there(lora: str) -> bool:
    return Path(lora).expanduser().exists() or _HUB_ID.fullmatch(lora) is not None


def _not_cached(hub_id: str, *, revision: str | None, variant: str | None) -> str | None:
    """Say what the hub's cache lacks where nothing can be downloaded."""
    if importlib.util.find_spec("huggingface_hub") is None:
        return None  # the missing extra says more
    import huggingface_hub

    if not huggingface_hub.is_offline_mode():
        return None
    index = huggingface_hub.try_to_load_from_cache(hub_id, "model_index.json", revision=revision)
    if isinstance(index, str):
        return _incomplete(Path(index).parent, variant=variant)
    return (
        f"{hub_id!r} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it: `hf download {hub_id}` on a machine "
        "with a network, or set id to the folder of the weights"
    )


def _incomplete(folder: Path, *, variant: str | None) -> str | None:
    """Say what a pipeline's folder lacks; what is there is not read, only looked for."""
    from ggt.providers._pipeline_loading import components_of, lacking_package, read_index

    try:
        components = components_of(read_index(folder / "model_index.json"))
    except (OSError, ValueError):
        return f"the folder {str(folder)!r} holds no readable model_index.json, so no pipeline of diffusers"
    lacking = [name for name in components if not (folder / name).is_dir()]
    if variant is None:
        lacking += _lacking_shards(folder)
    if lacking:
        return f"the folder {str(folder)!r} lacks {lacking[0]!r}: fetch it again"
    return lacking_package(components)


def _lacking_shards(folder: Path) -> list[str]:
    """List weights that an index names and the folder lacks: what an interrupted download leaves."""
    lacking: set[Path] = set()
    for path in folder.glob("*/*.safetensors.index.json"):
        try:
            index = _ShardIndex.model_validate_json(path.read_bytes())
        except ValidationError:
            lacking.add(path)
        else:
            shards = {path.with_name(name) for name in index.weight_map.values()}
            lacking |= {shard for shard in shards if not shard.exists()}
    return sorted(str(path.relative_to(folder)) for path in lacking)


PLUGIN = Provider(
    open=open_client,
    source="https://huggingface.co/docs/diffusers",
    packages=("diffusers", "torch", "transformers", "accelerate"),
    extra="diffusion",
    repeatable=True,
    missing=missing,
)
