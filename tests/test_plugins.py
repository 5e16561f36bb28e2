"""A plugin is a file, or an entry point of another package; a wrong name is answered with the nearest."""

import subprocess
import sys
from pathlib import Path

import pytest

from ggt import plugins
from ggt.errors import GgtError, UnknownPluginError
from ggt.metrics import FullReference, NoReference
from ggt.restorers import LocalRestorer
from ggt.stages.doctor import KINDS

FAKES = Path(__file__).parent / "fakes"


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_plugins_and_a_page_that_says_how_to_add_one(kind):
    assert plugins.names(kind)
    page = Path(__file__).parents[1] / "docs" / f"add-a-{kind.removesuffix('s')}.md"
    assert page.exists()
    assert f"src/ggt/{kind}/" in page.read_text(encoding="utf-8")


def test_helpers_are_no_plugins():
    assert not [name for kind in KINDS for name in plugins.names(kind) if name.startswith("_")]


def test_a_misspelt_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownPluginError, match=r"'psnrr'. Did you mean 'psnr'\? Known: .*ssim"):
        plugins.load("metrics", "psnrr", FullReference)


def test_a_plugin_that_is_not_what_its_kind_promises_is_refused():
    with pytest.raises(GgtError, match=r"add-a-metric\.md"):
        plugins.load("metrics", "psnr", NoReference)


def test_one_of_several_promises_is_enough():
    plugins.load("metrics", "psnr", (FullReference, NoReference))


def test_another_package_adds_a_plugin_by_entry_point():
    code = (
        "from ggt import plugins; from ggt.providers import Provider\n"
        "print(plugins.load('providers', 'paid', Provider).source)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(FAKES / "paid_plugin"), "PATH": ""},
    )
    assert done.stdout.strip() == "The fake paid server of ggt's own tests."


def test_listing_names_imports_no_plugin():
    code = (
        "import sys; from ggt import plugins\n"
        f"[plugins.names(kind) for kind in {KINDS!r}]\n"
        "print([m for m in sys.modules if m.startswith('ggt.') and m.count('.') > 1])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_local_restorers_say_whether_they_are_ground_truth():
    for name in plugins.names("restorers"):
        assert plugins.load("restorers", name, LocalRestorer).ground_truth is False
