import numpy as np
import pytest
from skimage import data

from ggt.images import decode_image, encode_jpeg, luma
from ggt.measure.compression import compression_features

CLEAN = np.ascontiguousarray(data.astronaut())


def gap(quality: int | None) -> float:
    image = CLEAN if quality is None else decode_image(encode_jpeg(CLEAN, quality=quality)).image
    return compression_features(luma(CLEAN), luma(image))["gap_hq"]


@pytest.mark.parametrize("quality", [6, 15, 23, 35])
def test_strong_compression_leaves_gaps_between_coefficients(quality):
    assert gap(quality) > 1.0


@pytest.mark.parametrize("quality", [None, 90, 95])
def test_no_and_slight_compression_do_not(quality):
    assert abs(gap(quality)) < 0.2


def test_blocks_of_a_picture_moved_off_the_grid_are_not_taken_for_the_grid():
    coded = decode_image(encode_jpeg(CLEAN, quality=15)).image
    moved = np.ascontiguousarray(coded[4:, 4:])
    assert compression_features(luma(CLEAN[4:, 4:]), luma(moved))["gap_hq"] < -1.0
