"""A pipeline of the diffusers library in memory: one edit at a time, no picture rescaled, failures in our words."""

import inspect
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, cast

import numpy as np
from PIL import Image as PillowImage

from ggt.errors import ImageReadError
from ggt.images import encode_png, read_image, to_uint8
from ggt.models import Parameter, Usage
from ggt.providers import EditRequest, InvalidRequestError, ProviderStopError, Reply
from ggt.providers._keys import redacted

if TYPE_CHECKING:
    import torch

NO_SEED = "a picture made here must be repeatable: set takes_seed = true in the row"
LESS_MEMORY = (
    'set offload = "model" (slower) or "sequential" (much slower) among the row\'s parameters, or torch_dtype = '
    '"bfloat16", or take a smaller model'
)


class Pipeline(Protocol):
    """What is used of `diffusers.DiffusionPipeline`, which has no types of its own."""

    components: Mapping[str, object]

    def __call__(self, **arguments: object) -> object:
        """Edit; what comes back has `images`, and `nsfw_content_detected` where a safety checker looked."""
        ...

    def to(self, device: str, /) -> object:
        """Move all weights."""
        ...

    def enable_model_cpu_offload(self, *, device: str) -> None:
        """Keep one component at a time on the device."""
        ...

    def enable_sequential_cpu_offload(self, *, device: str) -> None:
        """Keep one layer at a time on the device."""
        ...

    def load_lora_weights(self, place: str, /) -> None:
        """Add a LoRA."""
        ...

    def set_progress_bar_config(self, *, disable: bool) -> None:
        """Switch the bar over steps off."""
        ...


class _Pictures(Protocol):
    images: Sequence[object]


class Editor:
    """A loaded pipeline and what its call takes; for one thread at a time."""

    def __init__(
        self,
        pipeline: Pipeline,
        parameters: Mapping[str, Parameter],
        *,
        version: str,
        stop: threading.Event,
    ) -> None:
        self._pipeline = pipeline
        self._name = type(pipeline).__name__
        self._parameters = parameters
        self._version = version
        self._stop = stop
        self._takes = frozenset(inspect.signature(type(pipeline).__call__).parameters)
        self._size = (0, 0)
        for encoder in _picture_encoders(pipeline):
            encoder.register_forward_pre_hook(self._check_size)

    def edit(self, request: EditRequest) -> Reply:
        """Run the pipeline once.

        Raises:
            InvalidRequestError: the pipeline does not take this request, or would rescale its picture.
            ProviderStopError: memory or the device ended it.
        """
        output = self._guarded(lambda: self._run(request))
        unsafe = cast(Sequence[bool] | None, getattr(output, "nsfw_content_detected", None))
        if unsafe and any(unsafe):
            return Reply(
                kind="refused",
                body=b"",
                usage=Usage(),
                version=self._version,
                at="output",
                code="nsfw_content_detected",
                detail="the pipeline's own safety checker blackened the picture",
            )
        return self._reply(np.asarray(cast(_Pictures, output).images[0]))

    def _run(self, request: EditRequest) -> object:
        import torch

        if request.seed is None:
            raise InvalidRequestError(NO_SEED)
        picture = _picture(request)
        self._size = picture.size
        arguments: dict[str, object] = {
            "image": picture,
            "prompt": request.prompt,
            "width": request.width,
            "height": request.height,
            # Kontext's own: unless told otherwise it resizes to a preferred size, and the output to a megapixel.
            "_auto_resize": False,
            "max_area": request.width * request.height,
            # On the CPU whatever the device, so that every GPU starts from the same noise.
            "generator": torch.Generator("cpu").manual_seed(request.seed),
            "output_type": "np",
            "callback_on_step_end": self._on_step,
        }
        taken = {name: value for name, value in arguments.items() if name in self._takes}
        return self._pipeline(**taken, **self._parameters)

    def _reply(self, values: np.ndarray) -> Reply:
        if values.ndim != 3 or values.shape[2] != 3:
            raise InvalidRequestError(
                f"{self._name} makes arrays of shape {values.shape}, no RGB pictures: take another pipeline"
            )
        if not np.isfinite(values).all():
            return Reply(
                kind="no_image",
                body=b"",
                usage=Usage(),
                version=self._version,
                code="not_finite",
                detail='the pipeline computed no numbers (NaN): set torch_dtype = "bfloat16" or "float32"',
            )
        picture = encode_png(to_uint8(values.astype(np.float32, copy=False)))
        return Reply("image", picture, Usage(num_images=1), self._version)

    def _on_step(
        self, _pipeline: object, _step: int, _timestep: object, tensors: dict[str, object]
    ) -> dict[str, object]:
        if self._stop.is_set():
            raise ProviderStopError("stopped before the edit's last step")
        return tensors

    def _check_size(self, _encoder: "torch.nn.Module", inputs: tuple[object, ...]) -> None:
        """Compare what the picture's encoder is given with the picture: pipelines rescale without a word."""
        height, width = cast("torch.Tensor", inputs[0]).shape[-2:]
        if (width, height) == self._size:
            return
        module = type(self._pipeline).__module__
        area = getattr(sys.modules[module], "VAE_IMAGE_SIZE", None)
        constant = f" (VAE_IMAGE_SIZE = {area} of {module})" if area else ""
        raise InvalidRequestError(
            f"{self._name} would rescale the picture from {self._size[0]}x{self._size[1]} to {width}x{height}"
            f"{constant}: set ingest.side = {min(width, height)} in the recipe"
        )

    def _guarded(self, run: Callable[[], object]) -> object:
        import torch

        try:
            return run()
        except failures() as error:
            if is_out_of_memory(error):
                raise ProviderStopError(f"{self._name} ran out of memory: {LESS_MEMORY}") from error
            if isinstance(error, torch.AcceleratorError):
                raise ProviderStopError(f"the device failed: {one_line(error)}") from error
            raise InvalidRequestError(
                f"{self._name} refused the request: {one_line(error)}"
            ) from error


def failures() -> tuple[type[Exception], ...]:
    """List what pipelines raise for arguments, files and versions that they cannot work with."""
    from safetensors import SafetensorError

    return (
        RuntimeError,
        ValueError,
        TypeError,
        AttributeError,
        LookupError,
        ArithmeticError,
        AssertionError,
        ImportError,
        OSError,
        MemoryError,
        SafetensorError,
    )


def is_out_of_memory(error: Exception) -> bool:
    """Say whether memory, of the device or of the machine, was the trouble."""
    import torch

    # The CPU's allocator has no error class of its own.
    on_cpu = "DefaultCPUAllocator: can't allocate memory" in str(error)
    return on_cpu or isinstance(error, (MemoryError, torch.OutOfMemoryError))


def one_line(error: Exception) -> str:
    """Write an error's message on one line of bounded length."""
    return redacted(" ".join(str(error).split()), None)


def _picture_encoders(pipeline: Pipeline) -> Iterator["torch.nn.Module"]:
    """Find the modules that read the picture: an autoencoder encodes and decodes."""
    import torch

    for component in pipeline.components.values():
        encoder = getattr(component, "encoder", None)
        is_autoencoder = hasattr(component, "encode") and hasattr(component, "decode")
        if is_autoencoder and isinstance(encoder, torch.nn.Module):
            yield encoder


def _picture(request: EditRequest) -> PillowImage.Image:
    try:
        image = read_image(request.image).image
    except ImageReadError as error:
        raise InvalidRequestError(str(error)) from error
    height, width = image.shape[:2]
    if (width, height) != (request.width, request.height):
        raise InvalidRequestError(
            f"the picture has {width}x{height} pixels, and {request.width}x{request.height} were asked for"
        )
    return PillowImage.fromarray(image)
