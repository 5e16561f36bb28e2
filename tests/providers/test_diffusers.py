"""The diffusers provider edits with real pipelines of diffusers, tiny and random, on the CPU."""

import asyncio
import logging
import shutil
import threading
import time
import weakref
from contextlib import contextmanager
from importlib.metadata import version

import numpy as np
import pytest

from ggt.images import decode_image
from ggt.models import Usage
from ggt.providers import Connection, EditRequest, InvalidRequestError, ProviderStopError
from ggt.providers.diffusers import PLUGIN
from providers.local_edits import PROMPT, asked, edit, local, pixels

# diffusers' schedulers turn tensors into arrays in a way that NumPy 2 frowns upon.
pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation doesn't accept a copy:DeprecationWarning:diffusers"
)


@contextmanager
def watched(action):
    """Call `action(module, inputs)` before every module of torch runs."""
    import torch

    handle = torch.nn.modules.module.register_module_forward_pre_hook(action)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize(("width", "height"), [(64, 48), (48, 64), (128, 128)])
@pytest.mark.parametrize("name", ["kontext", "pix2pix"])
def test_the_output_has_the_size_of_the_input(name, width, height, request, tmp_path):
    folder = request.getfixturevalue(name)
    reply = edit(local(folder), asked(tmp_path, width=width, height=height))
    assert reply.kind == "image"
    assert pixels(reply).shape == (height, width, 3)
    assert pixels(reply).std() > 0
    assert reply.usage == Usage(num_images=1)
    assert reply.version == f"{folder}@local, diffusers {version('diffusers')}"


@pytest.mark.parametrize("name", ["kontext", "pix2pix"])
def test_the_picture_reaches_the_encoder_as_it_is(name, request, tmp_path):
    encoded = []

    def note(module, inputs):
        if type(module).__name__ == "Encoder":
            encoded.append(inputs[0])

    asked_for = asked(tmp_path, width=96, height=64)
    with watched(note):
        edit(local(request.getfixturevalue(name)), asked_for)
    (tensor,) = encoded
    values = tensor[0].permute(1, 2, 0).numpy() * 0.5 + 0.5
    lq = decode_image(asked_for.image.read_bytes()).image
    np.testing.assert_array_equal(np.rint(values * 255).astype(np.uint8), lq)


def test_the_same_request_gives_the_same_pixels_and_another_seed_or_prompt_does_not(
    kontext, tmp_path
):
    model = local(kontext)
    request = asked(tmp_path)
    others = (asked(tmp_path, seed=8), asked(tmp_path, prompt="Remove the haze."))
    first, second, other_seed, other_prompt = edit(model, request, request, *others)
    again = edit(model, request)
    assert first.body == second.body == again.body
    assert len({first.body, other_seed.body, other_prompt.body}) == 3


def test_qwen_image_edit_reads_a_picture_of_a_megapixel_as_it_is(qwen, tmp_path):
    encoded = []

    def note(module, inputs):
        if type(module).__name__ == "QwenImageEncoder3d":
            encoded.append(tuple(inputs[0].shape))

    with watched(note):
        reply = edit(
            local(qwen, num_inference_steps=1, true_cfg_scale=4.0, negative_prompt=" "),
            asked(tmp_path, width=1024, height=1024),
        )
    assert pixels(reply).shape == (1024, 1024, 3)
    assert encoded == [(1, 3, 1, 1024, 1024)]


def test_qwen_image_edit_would_rescale_any_other_area_so_it_is_not_asked(qwen, tmp_path):
    with pytest.raises(InvalidRequestError) as raised:
        edit(local(qwen), asked(tmp_path, width=512, height=512))
    assert str(raised.value) == (
        "QwenImageEditPlusPipeline would rescale the picture from 512x512 to 1024x1024 (VAE_IMAGE_SIZE = 1048576 of "
        "diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus): set ingest.side = 1024 in the recipe"
    )


def test_a_side_that_a_pipeline_would_round_is_not_asked(kontext, tmp_path):
    with pytest.raises(
        InvalidRequestError, match=r"from 66x66 to 64x64: set ingest\.side = 64 in the recipe"
    ):
        edit(local(kontext), asked(tmp_path, width=66, height=66))


def test_an_unknown_parameter_is_refused_before_any_weights_are_read(kontext, tmp_path):
    bare = tmp_path / "bare"
    shutil.copytree(kontext, bare, ignore=shutil.ignore_patterns("*.safetensors"))
    with pytest.raises(InvalidRequestError) as raised:
        edit(local(bare, image_guidance_scale=1.5), asked(tmp_path))
    assert str(raised.value) == (
        "FluxKontextPipeline does not take the parameter 'image_guidance_scale': it takes prompt_2, negative_prompt, "
        "negative_prompt_2, true_cfg_scale, num_inference_steps, guidance_scale, max_sequence_length"
    )


@pytest.mark.parametrize("name", ["num_images_per_prompt", "width", "_auto_resize", "latents"])
def test_a_row_cannot_set_what_the_request_decides(name, kontext, tmp_path):
    with pytest.raises(InvalidRequestError, match=f"does not take the parameter {name!r}"):
        edit(local(kontext, **{name: 2}), asked(tmp_path))


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"offload": "disk"}, "parameters.offload = 'disk': Input should be 'none', 'model' or "),
        ({"offload": "model", "device": "cpu"}, "parameters.offload = 'model' needs a GPU"),
        ({"torch_dtype": "int8"}, "parameters.torch_dtype = 'int8': Input should be 'auto', "),
        ({"pipeline": "FluxPipeline"}, "FluxPipeline takes no image with a prompt"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(parameters, message, kontext, tmp_path):
    with pytest.raises(InvalidRequestError) as raised:
        edit(local(kontext, **parameters), asked(tmp_path))
    assert str(raised.value).startswith(message)


def test_a_value_that_a_pipeline_rejects_is_an_invalid_request(kontext, tmp_path):
    with pytest.raises(
        InvalidRequestError, match=r"FluxKontextPipeline refused the request: .*max_sequence_length"
    ):
        edit(local(kontext, max_sequence_length=513), asked(tmp_path))


def test_numbers_of_half_width_are_a_choice(kontext, tmp_path):
    single = edit(local(kontext), asked(tmp_path))
    half = edit(local(kontext, torch_dtype="bfloat16"), asked(tmp_path))
    difference = np.abs(pixels(single).astype(int) - pixels(half))
    assert 0 < difference.mean() < 4


def test_a_lora_changes_the_picture(tiny_pipelines, kontext, tmp_path):
    lora = tiny_pipelines.save_lora(tmp_path / "lora", kontext)
    plain = edit(local(kontext), asked(tmp_path))
    adapted = edit(local(kontext, lora=str(lora)), asked(tmp_path))
    assert plain.body != adapted.body


def test_a_blackened_picture_is_a_refusal(tiny_pipelines, tmp_path):
    folder = tiny_pipelines.save_instruct_pix2pix(tmp_path / "p", finds_everything_unsafe=True)
    reply = edit(local(folder), asked(tmp_path))
    assert (reply.kind, reply.at, reply.code) == ("refused", "output", "nsfw_content_detected")
    assert reply.body == b""
    assert reply.usage == Usage()


def test_a_picture_of_no_numbers_is_no_picture(pix2pix, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = tmp_path / "broken"
    shutil.copytree(pix2pix, folder)
    path = folder / "vae" / "diffusion_pytorch_model.safetensors"
    weights = load_file(path)
    weights["decoder.conv_out.bias"].fill_(float("nan"))
    save_file(weights, path)
    reply = edit(local(folder), asked(tmp_path))
    assert (reply.kind, reply.code, reply.body) == ("no_image", "not_finite", b"")


def test_running_out_of_memory_stops_the_run_with_a_remedy(kontext, tmp_path):
    # Petabytes of step sizes are asked of the system, which has not got them.
    with pytest.raises(ProviderStopError, match=r'out of memory: set offload = "model"'):
        edit(local(kontext, num_inference_steps=10**15), asked(tmp_path))


@pytest.mark.parametrize("component", ["transformer", "text_encoder"])
def test_damaged_weights_stop_the_run(component, kontext, tmp_path):
    folder = tmp_path / "cut off"
    shutil.copytree(kontext, folder)
    (path,) = (folder / component).glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ProviderStopError, match=f"cannot load '{folder}': "):
        edit(local(folder), asked(tmp_path))


def test_a_pipeline_of_no_such_name_stops_the_run(kontext, tmp_path):
    with pytest.raises(ProviderStopError, match="NoSuchPipeline"):
        edit(local(kontext, pipeline="NoSuchPipeline"), asked(tmp_path))


def test_a_picture_that_cannot_be_read_or_has_another_size_is_an_invalid_request(kontext, tmp_path):
    good = asked(tmp_path)
    with pytest.raises(InvalidRequestError, match="has 64x48 pixels, and 48x48 were asked for"):
        edit(local(kontext), EditRequest(PROMPT, good.image, 48, 48, 7))
    with pytest.raises(InvalidRequestError, match="cannot read"):
        edit(local(kontext), EditRequest(PROMPT, tmp_path / "gone.png", 64, 48, 7))


def test_without_a_seed_nothing_is_repeatable_so_nothing_is_made(kontext, tmp_path):
    with pytest.raises(InvalidRequestError, match="takes_seed = true"):
        edit(local(kontext), asked(tmp_path, seed=None))


def test_weights_are_loaded_once_and_only_when_they_are_needed(kontext, tmp_path, caplog):
    caplog.set_level(logging.INFO, "ggt")

    async def open_only():
        async with PLUGIN.open(Connection(local(kontext), None, None)):
            pass

    asyncio.run(open_only())
    assert caplog.messages == []
    edit(local(kontext), asked(tmp_path), asked(tmp_path))
    assert caplog.messages == [f"loading {kontext} as FluxKontextPipeline onto cpu"]


def test_memory_is_freed_when_a_client_closes(kontext, tmp_path):
    loaded = weakref.WeakSet()
    with watched(lambda module, inputs: loaded.add(module)):

        async def run():
            async with PLUGIN.open(Connection(local(kontext), None, None)) as client:
                await client.edit(asked(tmp_path), "send")
                return len(loaded)

        num_loaded = asyncio.run(run())
    assert num_loaded > 50
    assert len(loaded) == 0


def test_edits_take_turns_in_a_thread_and_the_event_loop_goes_on(kontext, tmp_path):
    threads = set()
    turns = []

    def note(module, inputs):
        threads.add(threading.current_thread().name)
        if type(module).__name__ in ("Encoder", "Decoder"):
            turns.append(type(module).__name__)

    async def run():
        num_ticks = 0
        async with PLUGIN.open(Connection(local(kontext), None, None)) as client:
            edits = [asyncio.create_task(client.edit(asked(tmp_path), "send")) for _ in range(3)]
            while not all(task.done() for task in edits):
                await asyncio.sleep(0.005)
                num_ticks += 1
            return num_ticks, [task.result().kind for task in edits]

    with watched(note):
        num_ticks, kinds = asyncio.run(run())
    assert kinds == ["image"] * 3
    assert num_ticks >= 5
    assert turns == ["Encoder", "Decoder"] * 3
    assert threads == {"diffusers_0"}


def test_an_edit_under_way_ends_at_its_next_step_when_the_client_closes(kontext, tmp_path):
    steps = []
    under_way = threading.Event()

    def note(module, inputs):
        if type(module).__name__ == "FluxTransformer2DModel":
            steps.append(time.monotonic())
            under_way.set()

    async def run():
        model = local(kontext, num_inference_steps=500)
        async with PLUGIN.open(Connection(model, None, None)) as client:
            task = asyncio.create_task(client.edit(asked(tmp_path), "send"))
            waiting = asyncio.create_task(client.edit(asked(tmp_path), "send"))
            assert await asyncio.to_thread(under_way.wait, 10)
        return await asyncio.gather(task, waiting, return_exceptions=True)

    with watched(note):
        errors = asyncio.run(run())
    assert [type(error) for error in errors] == [ProviderStopError, ProviderStopError]
    assert len(steps) < 500
