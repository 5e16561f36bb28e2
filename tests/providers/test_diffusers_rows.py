"""What a row of the diffusers provider lacks is told before anything is loaded; documented rows lack nothing."""

import json
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from ggt import plugins
from ggt.models import models
from ggt.providers import InvalidRequestError, Provider, ProviderStopError
from ggt.providers.diffusers import missing
from providers.local_edits import asked, edit, local, pixels


def test_a_row_with_its_weights_on_disk_lacks_nothing(kontext, tmp_path):
    assert missing(local(kontext)) is None


def test_what_a_row_lacks_is_told_before_running(kontext, tmp_path):
    gone = tmp_path / "gone"
    assert missing(local(gone)) == (
        f"the folder '{gone}' does not exist: set id to the folder of the weights, or to a hub id"
    )
    assert "no readable model_index.json" in missing(local(tmp_path))
    (tmp_path / "model_index.json").write_text("[]")
    assert "no readable model_index.json" in missing(local(tmp_path))
    seedless = local(kontext).model_copy(update={"takes_seed": False})
    assert "takes_seed = true" in missing(seedless)
    assert missing(local(kontext, offload="disk")).startswith("parameters.offload = 'disk'")
    assert "neither a file nor a folder" in missing(local(kontext, lora=str(gone)))


def test_a_download_that_was_interrupted_is_told_before_running(kontext, tmp_path):
    folder = tmp_path / "part"
    shutil.copytree(kontext, folder)
    index = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    shards = {"a": "diffusion_pytorch_model.safetensors", "b": "b-2-of-2.safetensors"}
    index.write_text(json.dumps({"weight_map": shards}))
    assert missing(local(folder)) == (
        f"the folder '{folder}' lacks 'transformer/b-2-of-2.safetensors': fetch it again"
    )
    assert missing(local(folder, variant="fp16")) is None
    index.write_bytes(index.read_bytes()[:-3])
    assert f"lacks 'transformer/{index.name}'" in missing(local(folder))
    shutil.rmtree(folder / "text_encoder_2")
    assert missing(local(folder)) == f"the folder '{folder}' lacks 'text_encoder_2': fetch it again"


@pytest.mark.skipif(find_spec("torchvision") is not None, reason="torchvision is installed")
def test_a_processor_that_needs_torchvision_is_told_before_running(qwen, tmp_path):
    folder = tmp_path / "official"
    shutil.copytree(qwen, folder)
    assert missing(local(folder)) is None
    index = json.loads((folder / "model_index.json").read_text())
    index["processor"] = ["transformers", "Qwen2VLProcessor"]  # as in the official folder
    (folder / "model_index.json").write_text(json.dumps(index))
    remedy = "Qwen2VLProcessor needs torchvision: install the version that belongs to your torch"
    assert missing(local(folder)) == remedy
    with pytest.raises(ProviderStopError, match=remedy):
        edit(local(folder), asked(tmp_path))


@pytest.fixture
def hub_cache(kontext, tmp_path, monkeypatch):
    """A hub's cache on a machine without network, with one pipeline."""
    cache = tmp_path / "hub"
    snapshot = cache / "models--tiny--kontext" / "snapshots" / ("a1" * 20)
    shutil.copytree(kontext, snapshot)
    refs = cache / "models--tiny--kontext" / "refs"
    refs.mkdir()
    (refs / "main").write_text("a1" * 20)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache))
    return snapshot


def test_a_cached_pipeline_runs_without_network_and_its_commit_is_its_version(hub_cache, tmp_path):
    model = local("tiny/kontext")
    assert missing(model) is None
    reply = edit(model, asked(tmp_path))
    assert reply.version == f"tiny/kontext@{'a1' * 20}, diffusers {version('diffusers')}"
    assert pixels(reply).shape == (48, 64, 3)


def test_what_the_cache_lacks_is_told_where_nothing_can_be_fetched(
    hub_cache, monkeypatch, tmp_path
):
    assert missing(local("tiny/other")) == (
        "'tiny/other' is not in the cache, and HF_HUB_OFFLINE forbids to fetch it: `hf download tiny/other` on a "
        "machine with a network, or set id to the folder of the weights"
    )
    shutil.rmtree(hub_cache / "vae")
    assert f"the folder '{hub_cache}' lacks 'vae'" in missing(local("tiny/kontext"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    assert missing(local("tiny/other")) is None


@pytest.mark.parametrize(
    ("alias", "pipeline"),
    [
        ("qwen_image_edit", "QwenImageEditPlusPipeline"),
        ("flux_2_klein", "Flux2KleinPipeline"),
        ("longcat_image_edit", "LongCatImageEditPipeline"),
        ("kontext", "FluxKontextPipeline"),
    ],
)
def test_the_rows_of_ours_and_of_the_page_ask_nothing_that_their_pipelines_do_not_take(
    alias, pipeline, documented_rows, tiny_pipelines, tmp_path
):
    # A folder without weights: what a call takes is checked before they are looked for.
    (tmp_path / "model_index.json").write_text(json.dumps({"_class_name": pipeline}))
    model = documented_rows[0][alias].model_copy(update={"id": str(tmp_path)})
    with pytest.raises(ProviderStopError, match="cannot load"):
        edit(model, asked(tmp_path))
    wrong = model.model_copy(update={"parameters": {**model.parameters, "strength": 0.5}})
    with pytest.raises(InvalidRequestError, match="does not take the parameter 'strength'"):
        edit(wrong, asked(tmp_path))


def test_the_page_puts_a_server_in_the_place_of_the_process(documented_rows):
    served = documented_rows[1]["qwen_image_edit"]
    assert (served.provider, served.base_url) == ("openai", "http://127.0.0.1:8000/v1")
    assert served.parameters == {
        "num_inference_steps": 40,
        "true_cfg_scale": 4.0,
        "negative_prompt": " ",
        "response_format": "b64_json",
    }


@pytest.fixture
def documented_rows(tmp_path, monkeypatch):
    """All rows, once for each block of docs/local-models.md laid over ggt's own."""
    page = (Path(__file__).parents[2] / "docs" / "local-models.md").read_text(encoding="utf-8")
    rows = []
    for number, block in enumerate(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)):
        own = tmp_path / f"models-{number}.toml"
        own.write_text(block)
        monkeypatch.setenv("GGT_MODELS", str(own))
        rows.append(models())
    return rows


def test_the_file_is_a_provider_that_costs_nothing_and_stays_light(tmp_path):
    plugin = plugins.load("providers", "diffusers", Provider)
    assert plugin.repeatable
    assert plugin.key_variable is None
    assert plugin.extra == "diffusion"
    code = (
        "import sys; from ggt.providers.diffusers import missing; from model_rows import row; "
        f"assert missing(row(id='{tmp_path}/gone', takes_seed=True)); "
        "assert not {'torch', 'diffusers', 'transformers'} & set(sys.modules)"
    )
    tests = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tests)
