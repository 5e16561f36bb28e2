import os
import subprocess
import sys
from pathlib import Path

import pytest

from ggt.errors import UsageError
from ggt.sources.folder import find, folder_category, list_images
from ggt.types import Photo


def touch(root: Path, *paths: str) -> Path:
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(b"x")
    return root


def test_photos_are_found_below_the_folder_sorted_and_unopened(tmp_path):
    touch(tmp_path, "b.JPG", "a/z.png", "a.heic", "a/b/c.tiff")
    assert [photo.path for photo in find(tmp_path)] == ["a.heic", "a/b/c.tiff", "a/z.png", "b.JPG"]


def test_other_files_are_listed_apart_and_hidden_ones_skipped(tmp_path):
    touch(tmp_path, "a.jpg", "notes.txt", "clip.mp4", ".hidden.jpg", ".cache/b.jpg")
    listing = list_images(tmp_path)
    assert listing.images == ("a.jpg",)
    assert listing.others == ("clip.mp4", "notes.txt")


def test_raw_files_are_photos_so_that_they_are_refused_aloud(tmp_path):
    touch(tmp_path, "shot.CR2", "shot.dng")
    assert list_images(tmp_path).images == ("shot.CR2", "shot.dng")


def test_link_loops_end_and_every_folder_is_entered_once(tmp_path):
    touch(tmp_path, "real/a.jpg")
    (tmp_path / "real" / "up").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "real")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    assert list_images(tmp_path).images == ("real/a.jpg",)


def test_a_linked_folder_elsewhere_is_followed(tmp_path):
    touch(tmp_path / "elsewhere", "a.jpg")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "elsewhere")
    assert list_images(tmp_path / "root").images == ("link/a.jpg",)


def test_a_dead_link_is_a_photo_that_will_be_reported(tmp_path):
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (tmp_path / "self.jpg").symlink_to(tmp_path / "self.jpg")
    assert list_images(tmp_path).images == ("gone.jpg", "self.jpg")


def test_a_pipe_named_like_a_photo_is_never_opened(tmp_path):
    touch(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "link.jpg").symlink_to(tmp_path / "pipe.jpg")
    assert list_images(tmp_path).images == ("a.jpg",)


def test_odd_names_are_kept_as_they_are(tmp_path):
    names = [
        "two\nlines.jpg",
        'it\'s "q".jpg',
        "🦊.jpg",
        "<script>alert(1)<:script>.jpg",
        " a .jpg",
    ]
    touch(tmp_path, *names)
    assert sorted(photo.path for photo in find(tmp_path)) == sorted(names)


def test_a_name_that_is_not_utf8_is_refused_with_a_remedy(tmp_path):
    (tmp_path / os.fsdecode(b"\xff.jpg")).write_bytes(b"x")
    with pytest.raises(UsageError, match=r"is not UTF-8: rename the file"):
        list_images(tmp_path)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("haze/a.jpg", "haze"),
        ("rain/old/a.jpg", "old"),
        ("old/2024/a.jpg", "old"),
        ("Low-Light/a.jpg", "lowlight"),
        ("low light/a.jpg", "lowlight"),
        ("hazel/a.jpg", None),
        ("rain.jpg", None),
    ],
)
def test_the_nearest_folder_named_like_a_category_states_it(path, expected):
    assert folder_category(Path("photos"), path) == expected


def test_the_named_folder_itself_may_state_the_category(tmp_path):
    touch(tmp_path / "snow", "a.jpg")
    assert next(find(tmp_path / "snow")) == Photo(path="a.jpg", category="snow")


def test_an_empty_folder_and_one_without_photos_say_so(tmp_path):
    with pytest.raises(UsageError, match="holds no photo, but nothing: ggt reads JPEG"):
        list(find(tmp_path))
    touch(tmp_path, "a.txt")
    with pytest.raises(UsageError, match="holds no photo, but 1 other files"):
        list(find(tmp_path))


def test_a_missing_folder_and_a_file_are_named(tmp_path):
    touch(tmp_path, "a.jpg")
    for path in (tmp_path / "gone", tmp_path / "a.jpg"):
        with pytest.raises(UsageError, match=r"is no folder: name the folder"):
            list(find(path))


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0, reason="only root can become another user"
)
@pytest.mark.parametrize("closed", [".", "inner"])
def test_a_folder_without_permission_is_named(tmp_path, closed):
    touch(tmp_path, "a.jpg", "inner/b.jpg")
    for folder in [tmp_path, *tmp_path.parents][:3]:
        folder.chmod(0o755)
    (tmp_path / closed).chmod(0o311)
    script = (
        "import os, sys; from pathlib import Path; from ggt.errors import UsageError\n"
        "from ggt.sources.folder import list_images\n"
        "os.setgid(65534); os.setuid(65534)\n"
        "try: list_images(Path(sys.argv[1]))\n"
        "except UsageError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True
    )
    (tmp_path / closed).chmod(0o755)
    expected = f"cannot list {str(tmp_path / closed)!r} (Permission denied): make it readable"
    assert done.stdout.startswith(expected)


def test_the_sidecar_says_where_photos_come_from(tmp_path):
    touch(tmp_path, "a.jpg", "haze/b.jpg", "clean.png")
    (tmp_path / "photos.csv").write_text(
        "\ufefffile,source,author,license,url,scene,category,truth,width\n"
        'a.jpg,web,"Doe, Jane",CC0,https://x.org/1,harbour,Rain,clean.png,640\n'
        "./haze/b.jpg,,,,,,clean,,\n",
        encoding="utf-8",
    )
    assert list(find(tmp_path)) == [
        Photo(
            path="a.jpg",
            source="web",
            author="Doe, Jane",
            licence="CC0",
            url="https://x.org/1",
            scene="harbour",
            category="rain",
            truth=str((tmp_path / "clean.png").resolve()),
        ),
        Photo(path="clean.png"),
        Photo(path="haze/b.jpg", category="haze"),
    ]


def test_a_sidecar_row_without_its_photo_is_named(tmp_path):
    touch(tmp_path, "a.jpg")
    (tmp_path / "photos.csv").write_text("file,licence\na.jpg,CC0\nb.jpg,CC0\n")
    with pytest.raises(
        UsageError, match=r"photos.csv' row 3, column 'file': 'b.jpg' is no photo below"
    ):
        list(find(tmp_path))


def test_the_real_collection_is_listed_whole(photos):
    found = list(find(photos))
    assert len(found) == 80
    assert sum(photo.category is None for photo in found) == 58
    assert all(photo.licence for photo in found)
