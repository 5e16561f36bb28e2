import io
import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from ggt.errors import StorageError
from ggt.images import decode_image, encode_jpeg, encode_png, pixel_hash, read_image, resize
from ggt.settings.ingest import CleanBounds, IngestSettings
from ggt.sources.folder import find
from ggt.stages.ingest import (
    IngestResult,
    choose_crops,
    crop_image,
    ingest_photo,
    why_not_clean,
)
from ggt.store.blobs import read_blob
from ggt.types import Box, Photo

SMALL = IngestSettings(side=128)


def scene(width: int, height: int, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    blobs = cv2.resize(rng.uniform(0, 255, (6, 8, 3)).astype(np.float32), (width, height))
    return np.clip(blobs + rng.normal(0, 12, blobs.shape), 0, 255).astype(np.uint8)


def put(root: Path, name: str, image: np.ndarray) -> Photo:
    (root / name).write_bytes(encode_png(image))
    return Photo(path=name)


def ingest(root: Path, photo: Photo, settings: IngestSettings = SMALL) -> IngestResult:
    return ingest_photo(str(root), photo, settings, root / "blobs")


def blob(root: Path, sha256: str | None) -> np.ndarray:
    assert sha256 is not None
    return decode_image(read_blob(root / "blobs", sha256)).image


def test_an_lq_is_the_central_square_resized_by_lanczos(tmp_path):
    image = scene(300, 200)
    result = ingest(tmp_path, put(tmp_path, "a.png", image))
    (lq,) = result.lqs
    assert result.outcome == "ingested"
    assert lq.crop == Box(50, 0, 200, 200)
    assert np.array_equal(blob(tmp_path, lq.record.blob), resize(image[:, 50:250], 128, 128))
    assert lq.record.scale == pytest.approx(0.64)
    assert lq.record.native_blob is None  # shrunk: nothing was hidden
    assert lq.record.pixel_hash == pixel_hash(blob(tmp_path, lq.record.blob))


def test_an_enlarged_photo_keeps_its_native_crop(tmp_path):
    image = scene(90, 60)
    (lq,) = ingest(tmp_path, put(tmp_path, "a.png", image)).lqs
    assert lq.record.scale == pytest.approx(128 / 60)
    assert np.array_equal(blob(tmp_path, lq.record.native_blob), image[:, 15:75])
    assert blob(tmp_path, lq.record.blob).shape == (128, 128, 3)


def test_noise_is_measured_before_enlarging_hides_it(tmp_path):
    result = ingest(tmp_path, put(tmp_path, "a.png", scene(96, 72)))
    (lq,) = result.lqs
    assert result.measured is not None
    assert lq.record.measurements == result.measured
    assert result.measured.noise_sigma > 1.2 * lq.measured.noise_sigma
    assert (result.measured.width, lq.measured.width) == (96, 128)


def test_native_crops_are_not_resampled_do_not_overlap_and_leave_out_blank_parts(tmp_path):
    image = scene(700, 128)
    image[:, :260] = 128
    settings = IngestSettings(side=128, native=("snow",), crops=9)
    photo = put(tmp_path, "a.png", image)
    result = ingest(tmp_path, Photo(path=photo.path, category="snow"), settings)
    lefts = sorted(lq.crop.left for lq in result.lqs)
    assert len(lefts) >= 2
    assert lefts[0] >= 192  # more than half of it shows something
    assert np.diff(lefts).min() >= 128
    for lq in result.lqs:
        assert lq.record.scale == 1
        assert lq.record.native_blob == lq.record.blob
        assert np.array_equal(blob(tmp_path, lq.record.blob), crop_image(image, lq.crop))


@pytest.mark.parametrize("size", [(128, 128), (129, 128), (3000, 131), (257, 255)])
def test_native_crops_lie_inside_the_photo(size):
    settings = IngestSettings(side=128, native=("rain",), crops=16)
    boxes = choose_crops(scene(*size), "rain", settings)
    assert boxes
    for box in boxes:
        assert 0 <= box.left <= size[0] - 128
        assert 0 <= box.top <= size[1] - 128
        assert (box.width, box.height) == (128, 128)


def test_a_photo_too_small_for_a_native_crop_is_enlarged(tmp_path):
    photo = put(tmp_path, "a.png", scene(100, 100))
    settings = IngestSettings(side=128, native=("rain",))
    (lq,) = ingest(tmp_path, Photo(path=photo.path, category="rain"), settings).lqs
    assert lq.crop == Box(0, 0, 100, 100)


def test_equal_crops_of_an_even_photo_are_one_lq(tmp_path):
    image = np.tile(scene(64, 64), (4, 8, 1))
    photo = put(tmp_path, "a.png", image)
    settings = IngestSettings(side=128, native=("rain",), crops=4)
    result = ingest(tmp_path, Photo(path=photo.path, category="rain"), settings)
    hashes = [lq.record.pixel_hash for lq in result.lqs]
    assert len(hashes) == len(set(hashes)) < 4


def test_the_truth_goes_through_the_same_geometry(tmp_path):
    image, truth = scene(300, 200), scene(300, 200, seed=1)
    (tmp_path / "truth").mkdir()
    put(tmp_path, "truth/t.png", truth)
    put(tmp_path, "a.png", image)
    photo = Photo(path="a.png", truth=str(tmp_path / "truth/t.png"))
    (lq,) = ingest(tmp_path, photo).lqs
    assert np.array_equal(blob(tmp_path, lq.record.truth_blob), resize(truth[:, 50:250], 128, 128))


def test_a_truth_of_another_size_fails_the_photo(tmp_path):
    put(tmp_path, "a.png", scene(300, 200))
    put(tmp_path, "t.png", scene(150, 100))
    result = ingest(tmp_path, Photo(path="a.png", truth=str(tmp_path / "t.png")))
    assert (result.outcome, result.reason) == ("failed", "unreadable")
    assert "150x100 pixels, and 'a.png' has 300x200: give a truth on the same grid" in result.detail


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty (0 bytes)"),
        (b"just text", "is not a picture"),
        (encode_png(np.zeros((64, 64, 3), np.uint8))[:80], "is damaged or cut off"),
    ],
)
def test_an_unreadable_photo_is_a_result_that_names_it(tmp_path, content, message):
    (tmp_path / "a.jpg").write_bytes(content)
    result = ingest(tmp_path, Photo(path="a.jpg"))
    assert (result.outcome, result.reason) == ("failed", "unreadable")
    assert message in result.detail
    assert "a.jpg" in result.detail
    assert not (tmp_path / "blobs").exists()


def test_a_photo_that_vanished_is_a_result(tmp_path):
    result = ingest(tmp_path, Photo(path="gone.jpg"))
    assert (result.outcome, result.reason) == ("failed", "unreadable")


@pytest.mark.parametrize("size", [(1, 1), (31, 400)])
def test_a_tiny_photo_is_set_aside_as_too_small(tmp_path, size):
    result = ingest(tmp_path, put(tmp_path, "a.png", scene(*size)))
    assert (result.outcome, result.reason) == ("set_aside", "too_small")
    assert f"{size[0]}x{size[1]} pixels would be enlarged" in result.detail


def test_a_blank_photo_is_unrestorable(tmp_path):
    result = ingest(tmp_path, put(tmp_path, "a.png", np.full((200, 200, 3), 3, np.uint8)))
    assert (result.outcome, result.reason) == ("set_aside", "unrestorable")


def test_licences_bar_a_photo_before_it_is_opened(tmp_path):
    settings = IngestSettings(barred_licences=("All Rights Reserved",), bar_unknown_licence=True)
    barred = ingest(tmp_path, Photo(path="gone.jpg", licence="all rights reserved"), settings)
    unknown = ingest(tmp_path, Photo(path="gone.jpg"), settings)
    free = ingest(tmp_path, Photo(path="gone.jpg", licence="CC0"), settings)
    assert (barred.reason, unknown.reason, free.reason) == ("barred", "barred", "unreadable")
    assert "'all rights reserved' is among" in barred.detail
    assert "no licence is stated" in unknown.detail


def test_the_category_says_how_it_is_known(tmp_path):
    (tmp_path / "haze").mkdir()
    put(tmp_path, "haze/a.png", scene(200, 200))
    put(tmp_path, "b.png", scene(200, 200))

    def known(photo: Photo):
        result = ingest(tmp_path, photo)
        return result.category, result.category_from, result.category_confidence

    assert known(Photo(path="haze/a.png", category="haze")) == ("haze", "folder", 1.0)
    assert known(Photo(path="b.png", category="rain")) == ("rain", "stated", 1.0)
    category, known_from, confidence = known(Photo(path="b.png"))
    assert (category, known_from) == ("general", "measured")
    assert confidence is not None
    assert confidence <= 0.5


def test_camera_time_format_and_notes_are_recorded(tmp_path):
    exif = Image.Exif()
    exif[271], exif[306], exif[274] = "Maker", "2024:05:06 07:08:09", 6
    file = io.BytesIO()
    Image.fromarray(scene(200, 150)).save(file, "JPEG", exif=exif.tobytes())
    (tmp_path / "a.jpg").write_bytes(file.getvalue())
    result = ingest(tmp_path, Photo(path="a.jpg"))
    assert (result.format, result.camera, result.taken_at) == (
        "JPEG",
        "Maker",
        "2024-05-06T07:08:09",
    )
    assert result.notes == ("rotated by EXIF",)
    assert result.measured is not None
    assert (result.measured.width, result.measured.height) == (150, 200)


def test_ingesting_twice_gives_the_same_record_and_no_new_blob(tmp_path):
    photo = put(tmp_path, "a.png", scene(90, 60))
    first = ingest(tmp_path, photo)
    files = sorted((tmp_path / "blobs").rglob("*.png"))
    assert ingest(tmp_path, photo) == first
    assert sorted((tmp_path / "blobs").rglob("*.png")) == files
    assert len(files) == 2


def test_the_record_survives_json_and_the_way_to_another_process(tmp_path):
    result = ingest(tmp_path, put(tmp_path, "a.png", scene(90, 60)))
    adapter = TypeAdapter(IngestResult)
    assert adapter.validate_json(adapter.dump_json(result)) == result
    assert pickle.loads(pickle.dumps(result)) == result


def test_it_runs_in_a_process_pool(tmp_path):
    photo = put(tmp_path, "a.png", scene(90, 60))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        done = pool.submit(ingest_photo, str(tmp_path), photo, SMALL, tmp_path / "blobs").result()
    assert done == ingest(tmp_path, photo)


def test_a_blob_folder_that_cannot_be_written_stops_the_run(tmp_path):
    photo = put(tmp_path, "a.png", scene(90, 60))
    (tmp_path / "blobs").write_text("a file in the way")
    with pytest.raises(StorageError):
        ingest(tmp_path, photo)


def test_only_large_photos_are_ever_called_clean(photos):
    path = "clean/camera_35.jpg"
    large = ingest_into(photos, path, IngestSettings())
    assert (large.outcome, large.reason) == ("set_aside", "already_clean")
    assert "noise" in large.detail


def test_a_clean_photo_below_the_lqs_side_is_ingested(photos, tmp_path):
    image = read_image(photos / "clean/camera_35.jpg").image
    settings = IngestSettings(side=256)
    assert (
        ingest(tmp_path, put(tmp_path, "a.png", image[:256, :300]), settings).reason
        == "already_clean"
    )
    assert ingest(tmp_path, put(tmp_path, "b.png", image[:255, :300]), settings).reason is None


def ingest_into(root: Path, path: str, settings: IngestSettings, **stated: str) -> IngestResult:
    return ingest_photo(str(root), Photo(path=path, **stated), settings, Path(os.devnull))


@pytest.mark.parametrize("category", ["rain", "snow", "old"])
def test_marks_that_are_not_measured_are_believed(photos, tmp_path, category):
    photo = Photo(path="clean/camera_35.jpg", category=category)
    result = ingest_photo(str(photos), photo, SMALL, tmp_path)
    assert result.outcome == "ingested"


def test_clean_photos_are_kept_where_the_settings_say_so(photos, tmp_path):
    settings = IngestSettings(side=128, set_aside_clean=False)
    result = ingest_photo(str(photos), Photo(path="clean/camera_35.jpg"), settings, tmp_path)
    assert result.outcome == "ingested"


def test_no_real_low_quality_photo_is_called_clean(photos):
    from ggt.measure.photo import measure_photo

    images = [read_image(photos / "lq" / photo.path).image for photo in find(photos / "lq")]
    large = [image for image in images if min(image.shape[:2]) >= 1024]
    assert (len(images), len(large)) == (22, 7)
    assert all(why_not_clean(measure_photo(image), CleanBounds()) for image in large)


def test_degraded_clean_photos_are_not_called_clean(photos):
    from ggt.measure.photo import measure_photo

    image = read_image(photos / "clean/camera_35.jpg").image
    assert why_not_clean(measure_photo(image), CleanBounds()) == []
    rng = np.random.default_rng(0)
    noisy = np.clip(image + rng.normal(0, 12, image.shape), 0, 255).astype(np.uint8)
    soft = cv2.GaussianBlur(image, (0, 0), 3)
    blocky = decode_image(encode_jpeg(image, quality=10)).image
    dark = (image * 0.2).astype(np.uint8)
    grey = np.repeat(image[:, :, 1:2], 3, axis=2)
    flaws = [
        why_not_clean(measure_photo(bad), CleanBounds())
        for bad in (noisy, soft, blocky, dark, grey)
    ]
    named = [" ".join(flaw) for flaw in flaws]
    for found, expected in zip(
        named, ("noise", "blur", "blockiness", "mean luma", "saturation"), strict=True
    ):
        assert expected in found
