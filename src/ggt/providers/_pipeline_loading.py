"""Loading a pipeline of the diffusers library as a row says: which class, from where, in what numbers, onto what."""

import importlib
import importlib.util
import inspect
import logging
import threading
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, cast

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from ggt.models import Model, Parameter
from ggt.providers import InvalidRequestError, ProviderStopError
from ggt.providers._pipeline import (
    LESS_MEMORY,
    Editor,
    Pipeline,
    failures,
    is_out_of_memory,
    one_line,
)

if TYPE_CHECKING:
    import torch

_log = logging.getLogger(__name__)

# The request decides these, or we do: a row that set them would make the record of what was asked untrue.
_DECIDED_HERE = frozenset(
    {
        "prompt",
        "width",
        "height",
        "max_area",
        "_auto_resize",
        "num_images_per_prompt",
        "output_type",
        "return_dict",
    }
)

# Qwen-Image-Edit and LongCat-Image-Edit need its part for pictures only; its part for videos is built all the same.
_NEEDS_TORCHVISION = "Qwen2VLProcessor"


class _PipelineClass(Protocol):
    __name__: str
    __call__: Callable[..., object]

    def from_pretrained(self, place: str, /, **options: object) -> Pipeline: ...


class _Library(Protocol):
    __version__: str


class _Logging(Protocol):
    def disable_progress_bar(self) -> None: ...


class LoadSettings(BaseModel):
    """The part of a row's parameters that says what is loaded and where it runs; the rest goes to the call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    torch_dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    """`auto` is bfloat16 on a GPU and float32 on a CPU."""
    device: str = "auto"
    """As torch writes it; `auto` is the GPU, where there is one."""
    offload: Literal["none", "model", "sequential"] = "none"
    """What waits in the machine's memory: nothing, the components not at work, the layers not at work."""
    variant: str | None = None
    revision: str | None = None
    pipeline: str | None = None
    """A class of diffusers; by default the one that model_index.json names."""
    lora: str | None = None
    """A file, a folder or a hub id."""


def load_settings(model: Model) -> LoadSettings:
    """Read a row's settings for loading.

    Raises:
        InvalidRequestError: a value that there is not; the message names it.
    """
    stated = {
        name: value for name, value in model.parameters.items() if name in LoadSettings.model_fields
    }
    try:
        return LoadSettings.model_validate(stated)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequestError(
            f"parameters.{first['loc'][0]} = {first['input']!r}: {first['msg']}"
        ) from None


def place_of(model: Model) -> str:
    """Say where the weights come from: a folder, else the id, which the hub may know."""
    folder = Path(model.id).expanduser()
    return str(folder) if folder.is_dir() else model.id


def read_index(path: Path) -> dict[str, object]:
    """Read a pipeline's model_index.json.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no JSON object.
    """
    return TypeAdapter(dict[str, object]).validate_json(path.read_bytes())


def components_of(index: Mapping[str, object]) -> dict[str, str]:
    """List a pipeline's components with their classes; settings and absent components are left out."""
    found: dict[str, str] = {}
    for name, entry in index.items():
        match entry:
            case [str(), str(kind)]:
                found[name] = kind
            case _:
                pass
    return found


def lacking_package(components: Mapping[str, str]) -> str | None:
    """Say which package some component needs beyond the extra, if it is not installed."""
    if _NEEDS_TORCHVISION in components.values() and not importlib.util.find_spec("torchvision"):
        return f"{_NEEDS_TORCHVISION} needs torchvision: install the version that belongs to your torch"
    return None


def load(model: Model, stop: threading.Event) -> Editor:
    """Load a row's pipeline; what the row asks of its call is checked before any weights are read.

    Raises:
        InvalidRequestError: a setting or parameter that there is not; the message names those that there are.
        ProviderStopError: it cannot be loaded here.
    """
    settings = load_settings(model)
    parameters = {
        name: value
        for name, value in model.parameters.items()
        if name not in LoadSettings.model_fields
    }
    try:
        pipeline, version = _load(model, settings, parameters)
    except failures() as error:
        remedy = f": {LESS_MEMORY}" if is_out_of_memory(error) else ""
        raise ProviderStopError(f"cannot load {model.id!r}: {one_line(error)}{remedy}") from error
    return Editor(pipeline, parameters, version=version, stop=stop)


def _load(
    model: Model, settings: LoadSettings, parameters: Mapping[str, Parameter]
) -> tuple[Pipeline, str]:
    library = cast(_Library, importlib.import_module("diffusers"))
    for package in ("diffusers", "transformers"):
        module = importlib.import_module(f"{package}.utils.logging")
        cast(_Logging, module).disable_progress_bar()
    place = place_of(model)
    path, commit = _index_file(place, settings.revision)
    index = read_index(path)
    kind = cast(_PipelineClass, getattr(library, settings.pipeline or str(index["_class_name"])))
    _check_call(kind, parameters)
    lacking = lacking_package(components_of(index))
    if lacking:
        raise ProviderStopError(lacking)
    device = _device(settings)
    _log.info("loading %s as %s onto %s", model.id, kind.__name__, device)
    pipeline = kind.from_pretrained(
        place,
        revision=commit or settings.revision,
        variant=settings.variant,
        dtype=_dtype(settings, device),
    )
    if settings.lora:
        pipeline.load_lora_weights(str(Path(settings.lora).expanduser()))
    _move(pipeline, settings, device)
    pipeline.set_progress_bar_config(disable=True)
    at = commit or settings.revision or "local"
    return pipeline, f"{model.id}@{at}, diffusers {library.__version__}"


def _index_file(place: str, revision: str | None) -> tuple[Path, str | None]:
    """Find the file that names the class and the components, fetching it if need be, and the commit that it is of."""
    if Path(place).is_dir():
        return Path(place, "model_index.json"), None
    from huggingface_hub import hf_hub_download  # pyright: ignore[reportUnknownVariableType] - has bare dicts

    index = Path(hf_hub_download(place, "model_index.json", revision=revision))
    return index, index.parent.name  # the cache has a folder for each commit


def _check_call(kind: _PipelineClass, parameters: Mapping[str, Parameter]) -> None:
    signature = inspect.signature(kind.__call__).parameters
    if not {"image", "prompt", "generator"} <= set(signature):
        raise InvalidRequestError(
            f"{kind.__name__} takes no image with a prompt, so it edits none: take another pipeline"
        )
    free = [name for name, parameter in signature.items() if _is_free(name, parameter)]
    unknown = sorted(set(parameters) - set(free))
    if unknown:
        raise InvalidRequestError(
            f"{kind.__name__} does not take the parameter {unknown[0]!r}: it takes {', '.join(free)}"
        )


def _is_free(name: str, parameter: inspect.Parameter) -> bool:
    """Say whether a row may set a parameter: it is a number or a text, and nothing here decides it."""
    annotation: object = parameter.annotation
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    kinds = typing.get_args(annotation) if is_union else (annotation,)
    return name not in _DECIDED_HERE and not {str, int, float, bool}.isdisjoint(kinds)


def _device(settings: LoadSettings) -> str:
    import torch

    if settings.device != "auto":
        return settings.device
    gpu = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
    return gpu.type if gpu else "cpu"


def _dtype(settings: LoadSettings, device: str) -> "torch.dtype":
    import torch

    by_default = torch.float32 if device == "cpu" else torch.bfloat16
    return {
        "auto": by_default,
        "bfloat16": torch.bfloat16,
        "float16": torch.float16,
        "float32": torch.float32,
    }[settings.torch_dtype]


def _move(pipeline: Pipeline, settings: LoadSettings, device: str) -> None:
    if settings.offload == "none":
        pipeline.to(device)
        return
    if device == "cpu":
        raise InvalidRequestError(
            f'parameters.offload = {settings.offload!r} needs a GPU, and there is none here: set it to "none"'
        )
    if settings.offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.enable_sequential_cpu_offload(device=device)
