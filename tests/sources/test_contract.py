"""Every source keeps its promises."""

from pathlib import Path

import pytest

from docs_examples import example_plugin
from ggt import plugins
from ggt.errors import UsageError
from ggt.sources import Source
from ggt.sources.bundled import bundled_folder
from ggt.types import Photo

NAMES = plugins.names("sources")


def test_the_sources_are_these():
    assert NAMES == ["bundled", "folder"]


@pytest.mark.parametrize("name", NAMES)
def test_photos_come_sorted_with_relative_paths_and_twice_the_same(name):
    source = plugins.load("sources", name, Source)
    found = list(source.find(bundled_folder()))
    paths = [photo.path for photo in found]
    assert source.source
    assert found
    assert paths == sorted(set(paths))
    assert all(
        (bundled_folder() / path).is_file() and not Path(path).is_absolute() for path in paths
    )
    assert list(source.find(bundled_folder())) == found


def test_the_example_of_the_documentation_works(tmp_path):
    source = example_plugin("add-a-source.md")
    assert isinstance(source, Source)
    with pytest.raises(UsageError, match=r"holds no index.jsonl"):
        list(source.find(tmp_path))
    lines = ['{"file": "b.png", "url": "https://x.org"}', '{"file": "a.png", "licence": "CC0"}', ""]
    (tmp_path / "index.jsonl").write_text("\n".join(lines))
    assert list(source.find(tmp_path)) == [
        Photo(path="a.png", licence="CC0"),
        Photo(path="b.png", url="https://x.org"),
    ]
