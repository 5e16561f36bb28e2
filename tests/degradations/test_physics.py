"""Each degradation does to known pictures what its parameters say."""

import numpy as np
import pytest

from ggt import plugins
from ggt.degradations import Degradation, Degraded
from ggt.degradations._optics import disc, line, path
from ggt.images import luma


def apply(name: str, image: np.ndarray, strength: float, seed: int = 0) -> Degraded:
    plugin = plugins.load("degradations", name, Degradation)
    return plugin.apply(image, strength, np.random.default_rng(seed))


def plain(level: int, side: int = 128) -> np.ndarray:
    return np.full((side, side, 3), level, np.uint8)


def spot(side: int = 65) -> np.ndarray:
    image = np.zeros((side, side, 3), np.uint8)
    image[side // 2, side // 2] = 255
    return image


def test_noise_has_the_stated_deviation_at_mid_grey_and_grows_with_the_signal():
    made = apply("noise", plain(128), 0.5)
    assert made.image.std() == pytest.approx(made.parameters["sigma_levels"], rel=0.03)
    assert apply("noise", plain(40), 0.5).image.std() < 0.9 * made.image.std()


def test_noise_is_correlated_between_neighbours_and_between_channels():
    noise = apply("noise", plain(128, 256), 0.3).image.astype(float) - 128
    beside = np.mean(noise[:, 1:] * noise[:, :-1]) / noise.var()
    far = np.mean(noise[:, 9:] * noise[:, :-9]) / noise.var()
    between = np.mean(noise[..., 0] * noise[..., 2]) / noise.var()
    assert 0.2 < beside < 0.8
    assert abs(far) < 0.03
    assert between == pytest.approx(1 / 3, abs=0.05)


@pytest.mark.parametrize(
    "kernel", [disc(1.0), disc(6.3), line(20, angle_deg=33), line(1, angle_deg=90)]
)
def test_a_blur_keeps_the_light_and_does_not_move_the_picture(kernel):
    offsets = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    assert (kernel.sum(axis=0) @ offsets, kernel.sum(axis=1) @ offsets) == pytest.approx(
        (0, 0), abs=1e-4
    )


def test_a_bent_path_is_centred_too():
    turn = np.linspace(0, 1.5, 50)
    kernel = path((20 * np.stack((np.cos(turn), np.sin(turn)), axis=1)).astype(np.float32))
    offsets = np.arange(kernel.shape[0]) - kernel.shape[0] // 2
    assert (kernel.sum(axis=0) @ offsets, kernel.sum(axis=1) @ offsets) == pytest.approx(
        (0, 0), abs=1e-4
    )


def test_defocus_spreads_a_point_over_a_disc_of_the_stated_radius():
    made = apply("defocus", spot(), 0.8)
    lit = made.image[..., 0] > 0
    assert np.sqrt(lit.sum() / np.pi) == pytest.approx(made.parameters["radius_px"], abs=0.7)


def test_motion_blur_draws_a_point_out_to_the_stated_length():
    made = apply("motion_blur", spot(), 0.8, seed=3)
    rows, columns = np.nonzero(made.image[..., 0])
    assert np.hypot(np.ptp(rows), np.ptp(columns)) == pytest.approx(
        made.parameters["length_px"], abs=3
    )


def test_scaling_leaves_the_centre_of_a_symmetric_picture_in_place():
    image = np.zeros((96, 96, 3), np.uint8)
    image[40:56, 40:56] = 255
    result = apply("scaling", image, 1.0).image.astype(float)
    assert np.abs(result - result[::-1, ::-1]).max() <= 1


def test_jpeg_leaves_a_plain_picture_and_blocks_a_ramp():
    assert np.abs(apply("jpeg", plain(128), 1.0).image.astype(int) - 128).max() <= 1
    ramp = np.repeat(np.linspace(0, 60, 128).astype(np.uint8)[None, :, None], 128, axis=0).repeat(
        3, axis=2
    )
    steps = np.abs(np.diff(apply("jpeg", ramp, 1.0).image[64, :, 1].astype(int)))
    assert steps[7::8].sum() > 0.6 * steps.sum()


def test_low_light_lets_through_the_stated_light():
    made = apply("lowlight", plain(255), 0.5)
    light = float(np.mean((made.image[..., 1] / 255.0) ** 2.2))
    assert light == pytest.approx(made.parameters["light"], rel=0.03)


def test_haze_over_black_is_the_airlight_that_the_transmission_lets_in():
    made = apply("haze", plain(0), 0.5)
    expected = made.parameters["airlight"] * (1 - made.parameters["mean_transmission"])
    assert made.image[..., 1].mean() / 255 == pytest.approx(expected, abs=0.003)


def test_haze_thickens_from_the_bottom_to_the_top():
    image = apply("haze", plain(0, 200), 0.7, seed=1).image
    assert image[:40].mean() > image[-40:].mean() + 20


@pytest.mark.parametrize("name", ["rain", "snow"])
def test_rain_and_snow_only_brighten_a_dark_scene_and_hide_little_of_it(name):
    image = apply(name, plain(30, 256), 0.6).image.astype(int)
    bright = luma(image.astype(np.uint8)) > 0.5
    assert image.min() >= 30
    assert 0.002 < bright.mean() < 0.2


def test_rain_falls_in_streaks_longer_than_they_are_wide():
    image = apply("rain", plain(30, 256), 0.4, seed=2).image[..., 1].astype(float)
    along = np.abs(np.diff(image, axis=0)).mean()
    across = np.abs(np.diff(image, axis=1)).mean()
    assert across > 1.5 * along


def test_an_old_photo_loses_colour_and_contrast():
    image = np.zeros((128, 128, 3), np.uint8)
    image[:64, :, 0], image[64:, :, 2] = 255, 255
    faded = apply("old", image, 0.8).image.astype(float)
    assert np.ptp(np.median(faded, axis=(1,))[:, 0]) < 120
    assert faded[..., 0].mean() > faded[..., 2].mean()


def test_an_old_photos_black_is_raised_by_the_stated_fading():
    made = apply("old", plain(0, 256), 0.6)
    assert np.median(made.image[..., 0]) / 255 == pytest.approx(
        0.75 * 0.93 * made.parameters["fade"], rel=0.3
    )
