"""`ggt degrade`: what it writes is what a rehearsal reads."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from ggt.errors import UnknownPluginError, UsageError
from ggt.images import encode_png, read_image
from ggt.stages.degrade import DegradePlan, DegradeResult, degrade_image, degrade_photos
from ggt.types import Photo

PHOTOS = (
    Photo(
        path="a.png",
        source="mine",
        author='Ann, "A"',
        licence="CC0-1.0",
        url="https://example.org/a",
        scene="s",
    ),
    Photo(path="b.png"),
    Photo(path="more/c.png"),
)


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    folder = tmp_path / "clean"
    (folder / "more").mkdir(parents=True)
    for index, photo in enumerate(PHOTOS):
        image = np.random.default_rng(index).integers(40, 200, (48, 64, 3), dtype=np.uint8)
        (folder / photo.path).write_bytes(encode_png(image))
    return folder


def run(
    clean: Path, out: Path, *kinds: str, photos: tuple[Photo, ...] = PHOTOS, seed: int = 0
) -> DegradeResult:
    return degrade_photos(photos, clean, out=out, plan=DegradePlan(kinds=kinds, seed=seed))


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "photos.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def hashes(out: Path) -> dict[str, str]:
    files = [path for path in out.rglob("*") if path.is_file()]
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def test_every_photo_is_degraded_by_every_kind_and_listed_with_its_truth(clean, tmp_path):
    out = tmp_path / "deep" / "lq"
    assert run(clean, out, "noise", "haze") == DegradeResult(num_written=6, failures=())
    listed = rows(out)
    assert [row["file"] for row in listed] == [
        *(
            "a-noise.png",
            "a-haze.png",
            "b-noise.png",
            "b-haze.png",
            "more/c-noise.png",
            "more/c-haze.png",
        )
    ]
    for row, photo in zip(listed, [photo for photo in PHOTOS for _ in range(2)], strict=True):
        assert (out / row["truth"]).resolve() == clean / photo.path
        assert read_image(out / row["file"]).image.shape == (48, 64, 3)
        assert 0.15 <= float(row["strength"]) <= 0.85


def test_the_sidecar_keeps_what_is_known_of_the_clean_photo(clean, tmp_path):
    run(clean, tmp_path / "lq", "haze")
    first, second, _ = rows(tmp_path / "lq")
    stated = ("source", "author", "licence", "url", "scene", "category")
    assert [first[key] for key in stated] == [
        *("mine", 'Ann, "A"', "CC0-1.0", "https://example.org/a", "s", "haze")
    ]
    assert [second[key] for key in stated] == ["", "", "", "", "b.png", "haze"]


def test_an_lq_can_be_made_again_from_the_sidecar_of_its_photo(clean, tmp_path):
    run(clean, tmp_path / "lq", "defocus")
    row = rows(tmp_path / "lq")[0]
    again = degrade_image(
        read_image(clean / "a.png").image, kind="defocus", strength=float(row["strength"]), seed=0
    )
    assert np.array_equal(read_image(tmp_path / "lq" / row["file"]).image, again.image)
    assert json.loads(row["parameters"])["radius_px"] == pytest.approx(
        again.parameters["radius_px"], abs=1e-6
    )


def test_a_second_run_gives_the_same_bytes_and_another_seed_does_not(clean, tmp_path):
    run(clean, tmp_path / "one", "snow", "noise")
    first = hashes(tmp_path / "one")
    run(clean, tmp_path / "one", "snow", "noise")
    assert hashes(tmp_path / "one") == first
    run(clean, tmp_path / "two", "snow", "noise", seed=1)
    assert not set(hashes(tmp_path / "two").values()) & set(first.values())


def test_what_becomes_of_a_photo_does_not_hang_on_the_others(clean, tmp_path):
    run(clean, tmp_path / "all", "rain")
    run(clean, tmp_path / "one", "rain", photos=PHOTOS[2:])
    name = "more/c-rain.png"
    assert hashes(tmp_path / "one")[name] == hashes(tmp_path / "all")[name]


def test_two_photos_alike_get_other_drops(clean, tmp_path):
    (clean / "b.png").write_bytes((clean / "a.png").read_bytes())
    run(clean, tmp_path / "lq", "rain", photos=PHOTOS[:2])
    written = hashes(tmp_path / "lq")
    assert written["a-rain.png"] != written["b-rain.png"]


def test_kinds_take_turns_when_fewer_are_asked_per_photo(clean, tmp_path):
    plan = DegradePlan(kinds=("noise", "jpeg", "haze"), per_photo=2)
    degrade_photos(PHOTOS, clean, out=tmp_path / "lq", plan=plan)
    assert [row["degradation"] for row in rows(tmp_path / "lq")] == [
        *("noise", "jpeg", "haze", "noise", "jpeg", "haze")
    ]


def test_photos_that_differ_only_in_suffix_do_not_overwrite_each_other(clean, tmp_path):
    (clean / "a.bmp").write_bytes((clean / "b.png").read_bytes())
    run(clean, tmp_path / "lq", "jpeg", photos=(Photo(path="a.bmp"), Photo(path="a.png")))
    assert [row["file"] for row in rows(tmp_path / "lq")] == ["a-jpeg.png", "a.png-jpeg.png"]


def test_an_unreadable_photo_is_reported_and_the_others_are_done(clean, tmp_path):
    (clean / "b.png").write_bytes(b"not a picture")
    result = run(clean, tmp_path / "lq", "jpeg")
    assert result.num_written == 2
    assert len(result.failures) == 1
    assert "b.png" in result.failures[0]


def test_progress_counts_photos(clean, tmp_path):
    steps: list[int] = []
    plan = DegradePlan(kinds=("jpeg",))
    degrade_photos(PHOTOS, clean, out=tmp_path / "lq", plan=plan, advance=steps.append)
    assert steps == [1, 1, 1]


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (DegradePlan(kinds=()), "no degradation was named"),
        (DegradePlan(kinds=("noise",), per_photo=2), "2 degradations a photo of 1 named"),
        (DegradePlan(kinds=("noise",), per_photo=0), "0 degradations a photo"),
        (DegradePlan(kinds=("noise",), weakest=0.9, strongest=0.2), "0.9 to 0.2"),
        (DegradePlan(kinds=("noise",), strongest=1.5), "0.15 to 1.5"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(clean, tmp_path, plan, message):
    with pytest.raises(UsageError, match=message):
        degrade_photos(PHOTOS, clean, out=tmp_path / "lq", plan=plan)
    assert not (tmp_path / "lq").exists()


def test_a_misspelt_kind_is_named_before_anything_is_written(clean, tmp_path):
    with pytest.raises(UnknownPluginError, match="Did you mean 'haze'"):
        run(clean, tmp_path / "lq", "noise", "hase")
    assert not (tmp_path / "lq").exists()


def test_clean_photos_and_foreign_sidecars_are_never_overwritten(clean, tmp_path):
    with pytest.raises(UsageError, match="holds the clean photos"):
        run(clean, clean, "noise")
    mine = tmp_path / "lq" / "photos.csv"
    mine.parent.mkdir()
    mine.write_text("file,licence\nx.jpg,CC0\n")
    with pytest.raises(UsageError, match="was not written by this command"):
        run(clean, tmp_path / "lq", "noise")
    assert mine.read_text().startswith("file,licence")
