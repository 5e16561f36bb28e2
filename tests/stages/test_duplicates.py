import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

from ggt.images import encode_jpeg, encode_png, read_image, resize
from ggt.settings.ingest import IngestSettings
from ggt.stages import duplicates
from ggt.stages.duplicates import (
    Fingerprint,
    find_duplicates,
    fingerprint,
)
from ggt.stages.exclude import ExcludedFile
from ggt.stages.ingest import IngestResult, ingest_photo
from ggt.types import Photo

SETTINGS = IngestSettings(side=128)
FAR = [0x0123456789ABCDEF, 0xF0F0F0F00F0F0F0F, 0xAAAA5555CCCC3333, 0x5A5A5A5AA5A5A5A5]


def one(path: str, bits: int, pixel_hash: str | None = None, **more) -> Fingerprint:
    return Fingerprint(path, path if pixel_hash is None else pixel_hash, bits, 0.5, **more)


def flipped(bits: int, count: int) -> int:
    return bits ^ ((1 << count) - 1)


def test_the_same_pixels_are_kept_once_under_the_first_path():
    found = find_duplicates(
        [one("b.png", FAR[0], "same"), one("a.jpg", FAR[0], "same"), one("c.jpg", FAR[1])], SETTINGS
    )
    (twin,) = found.twins
    assert (twin.path, twin.of, twin.reason) == ("b.png", "a.jpg", "duplicate")
    assert twin.detail == "the same pixels as 'a.jpg'"
    assert found.groups == {"a.jpg": "a.jpg", "c.jpg": "c.jpg"}


def test_a_near_copy_is_set_aside_and_names_the_other():
    found = find_duplicates([one("a.jpg", FAR[0]), one("b.jpg", flipped(FAR[0], 3))], SETTINGS)
    (twin,) = found.twins
    assert twin.detail == "a copy of 'a.jpg' (3 of 64 bits differ)"


def test_a_likeness_shares_a_group_without_being_set_aside():
    photos = [
        one("a.jpg", FAR[0]),
        one("b.jpg", flipped(FAR[0], 10)),
        one("c.jpg", flipped(FAR[1], 0)),
    ]
    found = find_duplicates(photos, SETTINGS)
    assert found.twins == ()
    assert found.groups == {"a.jpg": "a.jpg", "b.jpg": "a.jpg", "c.jpg": "c.jpg"}


def test_eleven_bits_are_no_likeness():
    found = find_duplicates([one("a.jpg", FAR[0]), one("b.jpg", flipped(FAR[0], 11))], SETTINGS)
    assert found.groups["b.jpg"] == "b.jpg"


def test_another_exposure_is_no_copy_but_the_same_scene():
    dark = replace(one("b.jpg", FAR[0]), mean_luma=0.1)
    found = find_duplicates([one("a.jpg", FAR[0]), dark], SETTINGS)
    assert found.twins == ()
    assert found.groups["b.jpg"] == "a.jpg"


def test_a_photo_without_an_lq_is_never_the_one_that_is_kept():
    clean = replace(one("a.jpg", FAR[0]), pixel_hash=None)
    found = find_duplicates([clean, one("b.jpg", FAR[0])], SETTINGS)
    assert found.twins == ()
    assert found.groups["b.jpg"] == "a.jpg"


def test_a_copy_of_a_copy_is_a_copy_of_the_one_that_is_kept():
    photos = [
        one("a.jpg", FAR[0]),
        one("b.jpg", flipped(FAR[0], 2)),
        one("c.png", flipped(FAR[0], 2)),
    ]
    found = find_duplicates(photos, SETTINGS)
    assert [(twin.path, twin.of) for twin in found.twins] == [
        ("b.jpg", "a.jpg"),
        ("c.png", "a.jpg"),
    ]


def test_what_was_ingested_before_is_kept_whatever_the_paths():
    old = replace(one("z.jpg", FAR[0], "same"), ingested=True)
    found = find_duplicates([one("a.jpg", FAR[0], "same"), old], SETTINGS)
    assert [(twin.path, twin.of) for twin in found.twins] == [("a.jpg", "z.jpg")]


def test_a_stated_scene_groups_photos_that_look_different():
    photos = [
        one("x/1.jpg", FAR[0], scene="harbour"),
        one("y/2.jpg", FAR[1], scene="harbour"),
        one("z/3.jpg", FAR[2], scene="market"),
    ]
    groups = find_duplicates(photos, SETTINGS).groups
    assert groups["x/1.jpg"] == groups["y/2.jpg"] != groups["z/3.jpg"]


def test_one_camera_folder_and_minute_is_one_scene_however_long_the_burst():
    def shot(name: str, bits: int, second: int, camera: str = "Maker") -> Fingerprint:
        return one(
            name, bits, camera=camera, taken_at=f"2024-05-06T07:0{second // 60}:{second % 60:02}"
        )

    photos = [
        shot("d/1.jpg", FAR[0], 0),
        shot("d/2.jpg", FAR[1], 50),
        shot("d/3.jpg", FAR[2], 100),
        shot("e/4.jpg", FAR[3], 100),
        shot("d/5.jpg", ~FAR[0] & (2**64 - 1), 50, camera="Other"),
        shot("d/6.jpg", ~FAR[2] & (2**64 - 1), 300),
    ]
    groups = find_duplicates(photos, SETTINGS).groups
    assert groups["d/1.jpg"] == groups["d/2.jpg"] == groups["d/3.jpg"] == "d/1.jpg"
    assert len(set(groups.values())) == 4


def test_the_answer_does_not_depend_on_the_order():
    rng = random.Random(0)
    photos = [
        one(
            f"{index:03}.jpg", flipped(FAR[index % 4], index % 14), scene=None if index % 5 else "s"
        )
        for index in range(60)
    ]
    expected = find_duplicates(photos, SETTINGS)
    for _ in range(5):
        rng.shuffle(photos)
        assert find_duplicates(photos, SETTINGS) == expected


@pytest.mark.parametrize("bits", [0, 3, 8, 10, 12])
def test_every_near_pair_of_random_hashes_is_found(bits):
    rng = random.Random(bits)
    hashes = [rng.getrandbits(64) for _ in range(150)]
    for value in list(hashes):
        for position in rng.sample(range(64), rng.randint(0, 14)):
            value ^= 1 << position
        hashes.append(value)
    found = set(duplicates._near_pairs(hashes, bits=bits))
    expected = {
        (first, second)
        for second in range(len(hashes))
        for first in range(second)
        if (hashes[first] ^ hashes[second]).bit_count() <= bits
    }
    assert found == expected


def test_twenty_thousand_photos_take_seconds_even_when_all_are_alike():
    rng = random.Random(0)
    different = [one(f"{index}.jpg", rng.getrandbits(64)) for index in range(10_000)]
    alike = [one(f"x{index}.jpg", FAR[0], "same") for index in range(10_000)]
    began = time.process_time()
    found = find_duplicates([*different, *alike], SETTINGS)
    assert time.process_time() - began < 10
    assert len(found.twins) == 9_999


def test_no_photos_is_an_answer():
    assert find_duplicates([], SETTINGS).groups == {}


def test_an_excluded_photo_stays_out_and_names_the_test_file():
    excluded = [ExcludedFile("/sets/set", "x.png", 1, 1, flipped(FAR[0], 9))]
    found = find_duplicates([one("a.jpg", FAR[0]), one("b.jpg", FAR[1])], SETTINGS, excluded)
    (twin,) = found.twins
    assert (twin.path, twin.of, twin.reason) == ("a.jpg", "/sets/set/x.png", "excluded")
    assert list(found.groups) == ["b.jpg"]


def test_copies_of_real_photos_are_found_and_others_are_not(photos, tmp_path):
    for name in ("kodak_04.png", "kodak_23.png", "clean_09.jpg"):
        image = read_image(photos / "clean" / name).image
        (tmp_path / f"{name}-1.png").write_bytes(encode_png(image))
        (tmp_path / f"{name}-2.jpg").write_bytes(encode_jpeg(image, quality=60))
        height, width = image.shape[:2]
        smaller = resize(image, width * 3 // 4, height * 3 // 4)
        (tmp_path / f"{name}-3.png").write_bytes(encode_png(smaller))
    prints = [
        ingested(tmp_path, path.name) for path in sorted(tmp_path.iterdir()) if path.is_file()
    ]
    found = find_duplicates(prints, SETTINGS)
    assert len(found.twins) == 6
    assert all(twin.of == f"{twin.path[:-6]}-1.png" for twin in found.twins)
    assert len(found.groups) == 3


def test_the_captured_pair_of_the_collection_is_one_group(photos, tmp_path):
    names = ("clean/clean_01.jpg", "lq/lowlight/lowlight_01.jpg", "clean/clean_03.jpg")
    prints = [ingested(photos, name, tmp_path) for name in names]
    found = find_duplicates(prints, SETTINGS)
    assert found.twins == ()
    assert found.groups[names[0]] == found.groups[names[1]] != found.groups[names[2]]


def ingested(root: Path, name: str, blobs: Path | None = None) -> Fingerprint:
    settings = SETTINGS.model_copy(update={"set_aside_clean": False})
    photo = Photo(path=name)
    return fingerprint(photo, ingest_photo(str(root), photo, settings, blobs or root / "blobs"))


def test_a_photo_that_was_not_read_has_no_fingerprint():
    with pytest.raises(ValueError, match=r"'a.jpg' was never measured"):
        fingerprint(Photo(path="a.jpg"), IngestResult("a.jpg", "failed", "unreadable"))
