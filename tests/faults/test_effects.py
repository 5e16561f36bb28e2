"""Each fault does to known pictures what its parameters say."""

import cv2
import numpy as np
import pytest

from ggt import plugins
from ggt.faults import Fault, GoodPair, Planted
from ggt.faults._fill import fill
from ggt.faults._regions import Thing
from ggt.faults._warp import affine
from ggt.images import luma, read_image
from ggt.sources.bundled import bundled_folder
from ggt.types import Box, Image


@pytest.fixture(scope="module")
def photo() -> Image:
    return read_image(bundled_folder() / "coffee.png").image[60:316, 150:406]


def plant(name: str, pair: GoodPair, strength: float, seed: int = 0) -> Planted:
    return plugins.load("faults", name, Fault).plant(pair, strength, np.random.default_rng(seed))


def alone(hq: Image) -> GoodPair:
    return GoodPair(lq=hq, hq=hq, other=hq)


def plain(level: int, side: int = 160) -> Image:
    return np.full((side, side, 3), level, np.uint8)


def disc_on_plain(*, centre: tuple[int, int] = (70, 80), radius: int = 9) -> Image:
    image = plain(150)
    cv2.circle(image, centre, radius, (200, 40, 30), -1, cv2.LINE_AA)
    return image


def where_red(image: Image) -> np.ndarray:
    return np.argwhere((image[..., 0].astype(int) - image[..., 2]) > 60)


@pytest.mark.parametrize("name", ["shift", "scale", "rotation", "perspective", "local_warp"])
def test_moved_content_leaves_no_border(name):
    assert np.array_equal(plant(name, alone(plain(200)), 1.0).hq, plain(200))


@pytest.mark.parametrize("seed", range(3))
def test_a_shift_is_as_long_as_stated(photo, seed):
    planted = plant("shift", alone(photo), 1.0, seed)
    right, down = planted.parameters["right_px"], planted.parameters["down_px"]
    window = cv2.createHanningWindow((256, 256), cv2.CV_32F)
    (found_x, found_y), _ = cv2.phaseCorrelate(luma(photo), luma(planted.hq), window)
    assert np.hypot(right, down) == pytest.approx(8.0)
    assert (found_x, found_y) == pytest.approx((right, down), abs=0.3)


def test_an_affine_warp_turns_counter_clockwise_and_enlarges_about_the_centre():
    image = plain(0, 101)
    image[50, 80] = 255  # 30 to the right of the centre
    turned = affine(image, scale=1.2, rotation_deg=90.0)
    row, column = np.unravel_index(int(np.argmax(turned[..., 0])), (101, 101))
    assert (row, column) == (14, 50)


@pytest.mark.parametrize(
    ("name", "key", "value"), [("scale", "factor", 0.04), ("rotation", "rotation_deg", 2.0)]
)
def test_gross_scale_and_rotation_are_as_documented(photo, name, key, value):
    stated = plant(name, alone(photo), 1.0).parameters[key]
    assert abs(stated - (1 if name == "scale" else 0)) == pytest.approx(value)


def test_a_perspective_is_not_undone_by_an_affine_map():
    dots = [(x, y) for x in range(40, 241, 40) for y in range(40, 241, 40)]
    image = plain(0, 280)
    for dot in dots:
        cv2.circle(image, dot, 4, (255, 255, 255), -1, cv2.LINE_AA)
    planted = plant("perspective", alone(image), 1.0, seed=1)
    assert planted.parameters["corners_px"] == pytest.approx(0.04 * 280)
    moved = np.array([_centroid_near(planted.hq, dot) for dot in dots])
    terms = np.column_stack((dots, np.ones(len(dots))))
    by_affine = terms @ np.linalg.lstsq(terms, moved, rcond=None)[0]
    assert np.median(np.hypot(*(by_affine - moved).T)) > 1.0


def _centroid_near(image: Image, dot: tuple[int, int]) -> np.ndarray:
    left, top = dot[0] - 18, dot[1] - 18
    weights = image[top : top + 37, left : left + 37, 0].astype(float)
    offsets = np.arange(37)
    return np.array(
        [
            left + weights.sum(axis=0) @ offsets / weights.sum(),
            top + weights.sum(axis=1) @ offsets / weights.sum(),
        ]
    )


def test_a_warp_displaces_the_middle_of_its_box_by_the_stated_distance():
    image = plain(60, 400)
    image[::16], image[:, ::16] = 220, 220
    planted = plant("local_warp", alone(image), 0.5, seed=2)
    assert planted.box is not None
    row, column = (
        planted.box.top + planted.box.height // 2,
        planted.box.left + planted.box.width // 2,
    )
    middle = (slice(row - 8, row + 9), slice(column - 8, column + 9))
    moved = affine(image, shift=(planted.parameters["right_px"], planted.parameters["down_px"]))
    error = np.abs(moved[middle].astype(int) - planted.hq[middle]).mean()
    assert error < 0.5 * np.abs(image[middle].astype(int) - planted.hq[middle]).mean()


def test_a_mirrored_target_mirrored_again_is_the_target(photo):
    once = plant("mirror", alone(photo), 1.0).hq
    assert np.array_equal(plant("mirror", alone(once), 1.0).hq, photo)


def test_mix_ups_take_the_other_side_or_the_other_photo(photo):
    pair = GoodPair(lq=plain(9, 256), hq=photo, other=plain(77, 100))
    swapped = plant("swapped", pair, 1.0)
    assert np.array_equal(swapped.lq, photo)
    assert np.array_equal(swapped.hq, pair.lq)
    assert np.array_equal(plant("unchanged", pair, 1.0).hq, pair.lq)
    assert np.array_equal(plant("wrong_photo", pair, 1.0).hq, plain(77, 256))


def test_a_removed_object_is_gone_and_its_ground_continues():
    image = disc_on_plain()
    planted = plant("object_removed", alone(image), 0.75)
    assert len(where_red(planted.hq)) < 0.02 * len(where_red(image))
    assert np.abs(planted.hq.astype(int) - 150).max() < 25


def test_a_hole_is_filled_with_what_continues_its_surroundings():
    stripes = 120 + 60 * np.cos(np.arange(200) * np.pi / 6)
    ground = np.broadcast_to(stripes.astype(np.uint8)[None, :, None], (200, 200, 3))
    image = ground.copy()
    cv2.circle(image, (100, 100), 9, (200, 40, 30), -1, cv2.LINE_AA)
    offsets = np.arange(36) - 18
    mask = (np.hypot(offsets[:, None], offsets[None, :]) < 12).astype(np.float32)
    filled = fill(image, Thing(Box(82, 82, 36, 36), mask))
    assert np.abs(filled.astype(int) - ground)[82:118, 82:118].mean() < 5


def test_a_moved_object_stands_elsewhere_only():
    image = disc_on_plain()
    planted = plant("object_moved", alone(image), 0.75, seed=2)
    before, after = where_red(image), where_red(planted.hq)
    moved = after.mean(axis=0) - before.mean(axis=0)
    assert len(after) == pytest.approx(len(before), rel=0.35)
    assert (moved[1], moved[0]) == pytest.approx(
        (planted.parameters["right_px"], planted.parameters["down_px"]), abs=3
    )


def test_an_added_object_comes_from_the_other_photo():
    pair = GoodPair(lq=plain(150), hq=plain(150), other=disc_on_plain())
    assert len(where_red(plant("object_added", pair, 0.75).hq)) > 100


def test_an_object_is_found_where_there_is_one():
    for seed in range(5):
        planted = plant("object_removed", alone(disc_on_plain(centre=(110, 50))), 0.5, seed)
        assert planted.box is not None
        assert planted.box.left <= 110 < planted.box.left + planted.box.width
        assert planted.box.top <= 50 < planted.box.top + planted.box.height


def test_a_turned_hue_keeps_luma_and_turns_by_the_stated_angle():
    image = plain(0)
    image[:] = (150, 110, 90)
    planted = plant("hue", alone(image), 1.0)
    before, after = (np.angle(_chroma(side)) for side in (image, planted.hq))
    turned = (np.rad2deg(after - before) + 180) % 360 - 180
    assert abs(luma(planted.hq).mean() - luma(image).mean()) < 0.01
    assert turned == pytest.approx(planted.parameters["degrees"], abs=2)


def _chroma(image: Image) -> complex:
    red, green, blue = image[0, 0].astype(float)
    return complex(
        0.596 * red - 0.274 * green - 0.322 * blue, 0.211 * red - 0.523 * green + 0.312 * blue
    )


def test_a_cast_multiplies_the_channels_as_stated():
    planted = plant("cast", alone(plain(100)), 0.6)
    stated = [planted.parameters[channel] for channel in ("red", "green", "blue")]
    assert planted.hq[0, 0] / 100 == pytest.approx(stated, abs=0.006)
    assert max(stated) > 1 > min(stated)


def test_full_desaturation_leaves_grey(photo):
    hq = plant("desaturation", alone(photo), 1.0).hq.astype(int)
    assert np.ptp(hq, axis=2).max() <= 1


def test_redrawn_texture_keeps_energy_and_coarse_structure_but_not_the_details():
    noise = cv2.GaussianBlur(np.random.default_rng(9).normal(0, 120, (256, 256)), (0, 0), 1.5)
    shade = np.linspace(90, 160, 256).reshape(1, -1)
    image = np.clip(shade + noise, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)
    hq = plant("redrawn_texture", alone(image), 1.0).hq
    fine, redrawn = (side - cv2.GaussianBlur(side, (0, 0), 6) for side in (luma(image), luma(hq)))
    assert redrawn.std() == pytest.approx(fine.std(), rel=0.1)
    assert abs(np.corrcoef(fine.ravel(), redrawn.ravel())[0, 1]) < 0.1
    assert np.abs(cv2.GaussianBlur(luma(image) - luma(hq), (0, 0), 12)).max() < 0.1


def test_redrawn_texture_leaves_edges_in_place():
    image = plain(60)
    image[:, 80:] = 190
    assert np.array_equal(plant("redrawn_texture", alone(image), 1.0).hq, image)


def test_oversmoothing_takes_texture_and_leaves_strong_edges():
    image = plain(80)
    image[:, 80:] = 200
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 4, image.shape), 0, 255).astype(
        np.uint8
    )
    hq = plant("oversmoothing", alone(noisy), 1.0).hq.astype(float)
    assert hq[20:140, 20:60].std() < 1.5
    assert hq[:, 82].mean() - hq[:, 77].mean() > 100


def test_ringing_overshoots_and_echoes_an_edge():
    image = plain(80)
    image[:, 80:] = 180
    profile = plant("ringing", alone(image), 1.0).hq[80, :, 1].astype(int)
    assert profile.max() > 190
    assert profile.min() < 70
    assert np.count_nonzero(np.diff(np.sign(np.diff(profile[60:80])))) >= 3


def test_blocking_steps_at_multiples_of_eight():
    ramp = np.repeat(np.linspace(0, 60, 128).astype(np.uint8)[None, :, None], 128, axis=0).repeat(
        3, axis=2
    )
    steps = np.abs(np.diff(plant("blocking", alone(ramp), 1.0).hq[64, :, 1].astype(int)))
    assert steps[7::8].sum() > 0.6 * steps.sum()


def test_a_grid_has_the_stated_period_and_height():
    planted = plant("grid", alone(plain(128, 128)), 1.0)
    row = planted.hq[..., 1].astype(float) - 128
    spectrum = np.abs(np.fft.rfft(row, axis=1)).sum(axis=0)
    assert np.argmax(spectrum) == 128 / planted.parameters["period_px"]
    assert np.abs(row).max() == pytest.approx(planted.parameters["levels"], abs=1)


def test_residual_degradation_lies_between_target_and_lq():
    pair = GoodPair(lq=plain(200), hq=plain(100), other=plain(0))
    planted = plant("residual_degradation", pair, 0.25)
    assert planted.hq[0, 0, 0] == round(100 + 100 * planted.parameters["left"])


def test_half_restored_is_the_lq_on_one_side_and_the_target_on_the_other():
    pair = GoodPair(lq=plain(200), hq=plain(100), other=plain(0))
    planted = plant("half_restored", pair, 1.0)
    assert planted.box is not None
    share = planted.box.width * planted.box.height / 160**2
    assert 0.3 < share < 0.7
    assert np.mean(planted.hq == 200) == pytest.approx(share)


@pytest.mark.parametrize("seed", range(6))
def test_a_letterbox_has_bars_of_one_level_around_smaller_content(photo, seed):
    planted = plant("letterbox", alone(photo), 1.0, seed)
    inner = planted.parameters["inner_width"] * planted.parameters["inner_height"]
    bars = np.all(planted.hq == planted.parameters["level"], axis=2).mean()
    assert bars == pytest.approx(1 - inner / 256**2, abs=0.01)
