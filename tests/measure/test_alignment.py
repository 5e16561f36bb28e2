"""Displacements are found to a fraction of a pixel, and where nothing can be measured nothing is claimed."""

import cv2
import numpy as np
import pytest

from ggt.measure.alignment import register


@pytest.fixture(scope="module")
def scene():
    """A plane of blobs of many sizes, 0 to 1, with room around the 320 pixels that are used."""
    rng = np.random.default_rng(5)
    layers = [
        cv2.GaussianBlur(rng.standard_normal((400, 400)).astype(np.float32), (0, 0), s) * s
        for s in (1.5, 3, 6, 12)
    ]
    plane = np.sum(layers, axis=0)
    return ((plane - plane.min()) / (plane.max() - plane.min())).astype(np.float32)


def view(scene, *, shift=(0.0, 0.0), scale=1.0, turn=0.0):
    """The middle of the scene with its content enlarged, turned counter-clockwise and moved."""
    matrix = cv2.getRotationMatrix2D((199.5, 199.5), turn, scale)
    matrix[:, 2] += shift
    moved = cv2.warpAffine(scene, matrix, (400, 400), flags=cv2.INTER_CUBIC)
    return np.ascontiguousarray(moved[40:360, 40:360])


def noisy(plane):
    return plane + np.random.default_rng(3).normal(0, 0.02, plane.shape).astype(np.float32)


def test_a_shift_is_measured_to_a_twentieth_of_a_pixel_under_noise(scene):
    found = register(noisy(view(scene)), view(scene, shift=(2.3, -1.6)), factor=2)
    assert found.alignment.shift_x_px == pytest.approx(4.6, abs=0.1)
    assert found.alignment.shift_y_px == pytest.approx(-3.2, abs=0.1)
    assert found.affine_px < 0.3


def test_scale_and_rotation_are_told_apart(scene):
    enlarged = register(view(scene), view(scene, scale=1.02), factor=1).alignment
    turned = register(view(scene), view(scene, turn=0.8), factor=1).alignment
    assert (enlarged.scale, enlarged.rotation_deg) == pytest.approx((1.02, 0), abs=0.002)
    assert turned.rotation_deg == pytest.approx(0.8, abs=0.03)
    assert turned.scale == pytest.approx(1.0, abs=0.002)


def test_blur_haze_and_darkness_are_no_displacement(scene):
    plane = view(scene)
    for lq in (cv2.GaussianBlur(plane, (0, 0), 2.5), 0.7 + 0.2 * plane, 0.15 * plane**1.5):
        found = register(noisy(lq * 1.0) if lq.mean() > 0.3 else lq, plane, factor=1)
        assert found.shift_px < 0.1
        assert found.affine_px < 0.3


def test_a_bent_region_shows_as_warp_only(scene):
    plane = view(scene)
    rows, columns = np.mgrid[:320, :320].astype(np.float32)
    bump = np.exp(-((rows - 160) ** 2 + (columns - 160) ** 2) / (2 * 30**2)).astype(np.float32)
    bent = cv2.remap(plane, columns - 2 * bump, rows, cv2.INTER_CUBIC)
    found = register(plane, bent, factor=1)
    assert found.warp_px > 0.5
    assert register(plane, plane, factor=1).warp_px == 0


def test_another_scene_matches_nowhere(scene):
    found = register(view(scene), np.ascontiguousarray(view(scene)[:, ::-1]), factor=1)
    assert found.matched < 0.2


def test_flat_planes_claim_nothing():
    flat = np.full((320, 320), 0.5, np.float32)
    found = register(flat, flat, factor=1)
    assert (found.shift_px, found.affine_px, found.warp_px) == (0, 0, 0)
    assert found.alignment.support == 0
