"""Tiny pipelines that several tests run, each built once."""

import pytest


@pytest.fixture(scope="session")
def tiny_pipelines():
    """The module that builds them; a test that needs one is skipped without the extra."""
    torch = pytest.importorskip("torch", reason="needs the extra diffusion")
    for package in ("diffusers", "peft", "transformers"):
        pytest.importorskip(package, reason="needs the extra diffusion")
    from providers import tiny_pipelines

    before = torch.get_num_threads()
    torch.set_num_threads(1)  # two threads on a busy machine wait for each other
    yield tiny_pipelines
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def kontext(tiny_pipelines, tmp_path_factory):
    return tiny_pipelines.save_kontext(tmp_path_factory.mktemp("kontext"))


@pytest.fixture(scope="session")
def pix2pix(tiny_pipelines, tmp_path_factory):
    return tiny_pipelines.save_instruct_pix2pix(tmp_path_factory.mktemp("pix2pix"))


@pytest.fixture(scope="session")
def qwen(tiny_pipelines, tmp_path_factory):
    return tiny_pipelines.save_qwen_edit_plus(tmp_path_factory.mktemp("qwen"))
