"""The classical engine improves what it can, leaves lettering alone and follows corrections."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from ggt import plugins
from ggt.degradations import Degradation
from ggt.images import resize, to_float
from ggt.measure.lettering import lettering
from ggt.measure.photo import measure_photo
from ggt.restorers import classical
from ggt.types import CATEGORIES, Category, Defect, Image, Measurements, Prompt, RestoreTask


def restore(
    image: Image,
    category: Category,
    *,
    kinds: tuple[str, ...] = (),
    native: Image | None = None,
    measured: Measurements | None = None,
) -> Image:
    defects = tuple(Defect("restoration_quality", kind, 0.5, "") for kind in kinds)
    measured = measured or measure_photo(image if native is None else native)
    prompt = Prompt("fixed", "restore", defects)
    return classical.restore(RestoreTask(image, category, measured, prompt, 0, native=native)).image


def degrade(image: Image, name: str, strength: float) -> Image:
    degradation = plugins.load("degradations", name, Degradation)
    return degradation.apply(image, strength, np.random.default_rng(1)).image


def psnr(one: Image, two: Image) -> float:
    error = float(np.mean((one.astype(float) - two) ** 2))
    return 10 * np.log10(255**2 / max(error, 1e-9))


def roughness(image: Image) -> float:
    """Mean absolute Laplacian, in levels."""
    return float(np.abs(cv2.Laplacian(image, cv2.CV_32F)).mean())


# Measured on this photo: noise 3.4, haze 2.4, low light 8.3, old 1.8, snow 2.8, camera 0.6, rain 2.6.
@pytest.mark.parametrize(
    ("name", "category", "gain_db"),
    [
        ("noise", "general", 3.0),
        ("haze", "haze", 2.0),
        ("lowlight", "lowlight", 5.0),
        ("old", "old", 1.0),
        ("snow", "snow", 1.5),
        ("rain", "rain", 1.5),
        ("camera", "general", 0.3),
    ],
)
def test_a_synthetic_degradation_is_partly_undone(coffee, name, category, gain_db):
    lq = degrade(coffee, name, 0.5)
    assert psnr(restore(lq, category), coffee) - psnr(lq, coffee) > gain_db


# Measured, the worse of the two: general 36.0, rain 33.2, haze 26.6, snow 37.5, low light 49.2, old 33.4.
@pytest.mark.parametrize(
    ("category", "least_db"),
    [("general", 34), ("rain", 32), ("haze", 26), ("snow", 36), ("lowlight", 40), ("old", 32)],
)
def test_a_clean_photo_is_hardly_changed(coffee, astronaut, category, least_db):
    for clean in (coffee, astronaut):
        assert psnr(restore(clean, category), clean) >= least_db


def test_noise_is_removed_at_native_resolution_where_the_photo_was_enlarged(coffee):
    native = degrade(coffee, "noise", 0.8)
    lq, clean = resize(native, 640, 640), resize(coffee, 640, 640)
    at_native = psnr(restore(lq, "general", native=native), clean)
    enlarged = psnr(restore(lq, "general", measured=measure_photo(native)), clean)
    measured_enlarged = psnr(restore(lq, "general", measured=measure_photo(lq)), clean)
    assert at_native > enlarged + 1
    assert at_native > measured_enlarged + 3


def test_a_faded_photo_is_stretched_to_a_bound_and_never_clipped(coffee):
    faded = (110 + to_float(coffee) * 40).astype(np.uint8)
    restored = restore(faded, "old")
    assert 1.3 < np.ptp(restored.mean(axis=2)) / np.ptp(faded.mean(axis=2)) < 1.6
    assert restored.min() > 0
    assert restored.max() < 255


def test_noise_measured_before_a_reduction_is_not_taken_for_noise_of_the_lq(coffee):
    measured = replace(measure_photo(coffee), width=256 * 9, height=256 * 9, noise_sigma=9.0)
    as_measured = replace(measured, width=256, height=256)
    kept = restore(coffee, "general", measured=measured)
    smoothed = restore(coffee, "general", measured=as_measured)
    assert roughness(kept) > roughness(smoothed)


def _sign(vertical: bool) -> Image:
    """White capitals on a dark wall, horizontally or one below the other."""
    wall = np.full((256, 256, 3), 60, np.uint8)
    if not vertical:
        return cv2.putText(wall, "MOULIN", (24, 140), cv2.FONT_HERSHEY_SIMPLEX, 1.6, (235,) * 3, 4)
    for row, letter in enumerate("HOTEL"):
        cv2.putText(
            wall, letter, (110, 50 + 44 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.2, (235,) * 3, 3
        )
    return wall


@pytest.mark.parametrize("vertical", [False, True])
@pytest.mark.parametrize("category", ["snow", "old", "rain"])
def test_lettering_is_never_painted_over_though_spots_and_lines_are(category, vertical):
    sign = _sign(vertical)
    letters = sign[..., 0] > 200
    spoiled = sign.copy()
    if category == "rain":
        cv2.line(spoiled, (20, 180), (16, 240), (200,) * 3, 1)
    elif category == "old":
        cv2.line(spoiled, (10, 190), (60, 240), (235,) * 3, 1)
    else:
        cv2.circle(spoiled, (30, 220), 2, (235,) * 3, -1)
    occluder = (spoiled != sign).any(axis=2)
    restored = restore(spoiled, category)
    assert restored[letters].min() > 190
    assert restored[occluder].max() < 120


def test_lettering_is_found_in_rows_and_columns_and_not_in_scattered_spots():
    for vertical in (False, True):
        sign = _sign(vertical)
        found = lettering(to_float(sign)[..., 0])
        assert found[sign[..., 0] > 200].mean() > 0.98
        assert found.mean() < 0.45
    rng = np.random.default_rng(4)
    spots = np.full((256, 256, 3), 60, np.uint8)
    for x, y in rng.integers(10, 246, (12, 2)):
        cv2.circle(spots, (int(x), int(y)), int(rng.integers(1, 6)), (235,) * 3, -1)
    assert lettering(to_float(spots)[..., 0]).mean() < 0.05


def test_told_of_oversmoothing_it_keeps_more_texture(coffee):
    lq = degrade(coffee, "noise", 0.5)
    assert roughness(restore(lq, "general", kinds=("oversmoothing",))) > 1.2 * roughness(
        restore(lq, "general")
    )


def test_told_of_what_is_left_it_removes_more(coffee):
    for name, category in (("haze", "haze"), ("lowlight", "lowlight")):
        lq = degrade(coffee, name, 0.6)
        usual = restore(lq, category)
        for kind in ("residual_degradation", "half_restored", "unchanged"):
            stronger = restore(lq, category, kinds=(kind,))
            change, more = psnr(usual, lq), psnr(stronger, lq)
            assert more < change, (name, kind)


def test_told_of_ringing_it_does_not_sharpen(coffee):
    lq = degrade(coffee, "defocus", 0.3)
    assert roughness(restore(lq, "general")) > 1.05 * roughness(lq)
    assert roughness(restore(lq, "general", kinds=("ringing",))) <= roughness(lq)


def test_told_of_a_removed_object_it_paints_nothing_over():
    sign = np.full((256, 256, 3), 60, np.uint8)
    cv2.circle(sign, (64, 64), 2, (235,) * 3, -1)
    assert restore(sign, "snow")[64, 64].max() < 120
    assert restore(sign, "snow", kinds=("object_removed",))[64, 64].min() > 220


@pytest.mark.parametrize("kind", ["cast", "hue", "desaturation"])
def test_told_of_wrong_colours_it_leaves_the_cast_of_an_old_photo(astronaut, kind):
    yellow = (to_float(astronaut) * [0.95, 0.9, 0.7] * 255).astype(np.uint8)

    def cast(image: Image) -> float:
        return float(image[..., 0].mean() - image[..., 2].mean())

    assert cast(restore(yellow, "old")) < cast(yellow) - 2
    assert cast(restore(yellow, "old", kinds=(kind,))) > cast(yellow) - 2


def test_a_blue_backdrop_is_not_taken_for_a_cast(astronaut):
    blue = (to_float(astronaut) * [0.7, 0.9, 0.95] * 255).astype(np.uint8)
    assert np.array_equal(restore(blue, "old"), restore(blue, "old", kinds=("cast",)))


def test_a_graver_defect_corrects_more_and_the_notes_say_so():
    slight, grave = (
        classical.corrected("haze", (Defect("colour_consistency", "hue", severity, ""),))
        for severity in (0.1, 0.9)
    )
    assert grave[0]["dehaze"] < slight[0]["dehaze"] < 1
    assert grave[1] == ["hue: dehaze x0.61"]


def test_a_step_is_skipped_not_run_at_strength_zero():
    strengths, told = classical.corrected(
        "old", (Defect("object_consistency", "object_removed", 0.6, ""),)
    )
    assert "remove_scratches" not in strengths
    assert "object_removed: remove_scratches x0.00" in told


def test_the_same_defect_twice_corrects_once():
    defect = Defect("restoration_quality", "unchanged", 0.4, "")
    assert classical.corrected("haze", (defect, defect)) == classical.corrected("haze", (defect,))


def test_every_category_has_a_chain_and_every_correction_names_a_fault_and_a_step():
    assert set(classical.CHAINS) == set(CATEGORIES)
    assert set(classical.CORRECTIONS) <= set(plugins.names("faults"))
    named = {step for factors in classical.CORRECTIONS.values() for step in factors}
    assert named <= set(classical.STEPS) | {classical.EVERY_STEP}
    assert {step for chain in classical.CHAINS.values() for step in chain} == set(classical.STEPS)
