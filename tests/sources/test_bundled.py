"""The demo's photos: free by a stated line, present in the installed package."""

from pathlib import Path

from ggt import plugins
from ggt.images import read_image
from ggt.sources import Source
from ggt.sources.bundled import PHOTOS, bundled_folder


def test_every_listed_photo_is_found_readable_and_free():
    found = list(plugins.load("sources", "bundled", Source).find(bundled_folder()))
    assert [photo.path for photo in found] == sorted(photo.file for photo in PHOTOS)
    assert len(found) == 10
    for photo in found:
        assert photo.licence in {"CC0-1.0", "public domain"}
        assert photo.author
        assert photo.url
        assert min(read_image(bundled_folder() / photo.path).image.shape[:2]) >= 300


def test_the_scenes_differ():
    scenes = [
        photo.scene for photo in plugins.load("sources", "bundled", Source).find(bundled_folder())
    ]
    assert len(set(scenes)) == len(scenes)


def test_a_folder_without_the_photos_yields_nothing(tmp_path: Path):
    assert list(plugins.load("sources", "bundled", Source).find(tmp_path)) == []
