"""Written places are found in rows and columns; texture and windows of one row are not called written."""

import cv2
import numpy as np
import pytest

from ggt.images import luma
from ggt.measure.lettering import lettering, written_places
from ggt.types import Box, Image


def _row(text: str, *, ink: int = 235, ground: int = 60) -> Image:
    wall = np.full((256, 256, 3), ground, np.uint8)
    return cv2.putText(wall, text, (20, 140), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (ink,) * 3, 4)


def _inked(image: Image, ground: int) -> Box:
    rows, columns = np.nonzero(image[..., 0] != ground)
    left, top = int(columns.min()), int(rows.min())
    return Box(left, top, int(columns.max()) + 1 - left, int(rows.max()) + 1 - top)


@pytest.mark.parametrize(("ink", "ground"), [(235, 60), (20, 200)])
def test_a_printed_word_is_one_place_around_its_letters(ink: int, ground: int):
    sign = _row("MOULIN", ink=ink, ground=ground)
    (place,) = written_places(luma(sign))
    letters = _inked(sign, ground)
    assert place.left <= letters.left
    assert place.top <= letters.top
    assert place.left + place.width >= letters.left + letters.width
    assert place.top + place.height >= letters.top + letters.height
    assert place.height < 3 * letters.height


def test_a_turned_word_is_found_at_its_turned_place():
    sign = _row("MOULIN")
    (upright,) = written_places(luma(sign))
    (turned,) = written_places(luma(np.ascontiguousarray(sign.transpose(1, 0, 2))))
    assert turned == Box(upright.top, upright.left, upright.height, upright.width)


def test_a_place_at_the_border_stays_inside_the_picture():
    sign = _row("MOULIN")[:145]
    (place,) = written_places(luma(np.ascontiguousarray(sign)))
    assert place.top + place.height == 145


def test_four_letters_are_protected_but_not_called_written():
    grey = luma(_row("MOUL"))
    assert lettering(grey).any()
    assert written_places(grey) == ()


def test_letters_on_a_ground_that_varies_as_much_are_not_called_written():
    noisy = _row("MOULIN", ink=150, ground=60).astype(np.int16)
    noisy += np.random.default_rng(1).normal(0, 45, noisy.shape[:2]).astype(np.int16)[..., None]
    assert written_places(luma(np.clip(noisy, 0, 255).astype(np.uint8))) == ()


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (200, 3)])
def test_nothing_is_written_on_a_bare_wall_of_any_size(shape):
    grey = np.full(shape, 0.4, np.float32)
    assert written_places(grey) == ()
    assert not lettering(grey).any()
