import numpy as np
import pytest

from ggt.images import thumbnail
from ggt.measure.exposure import SMALL_SIDE
from ggt.measure.photo import grade, measure_photo


def test_measuring_is_deterministic_and_the_small_copy_saves_work_only(clean):
    first = measure_photo(clean[0])
    assert first == measure_photo(clean[0].copy())
    assert first == measure_photo(clean[0], thumbnail(clean[0], SMALL_SIDE))
    assert (first.width, first.height) == (512, 768)


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 1, 3), (33, 17, 3)])
def test_the_smallest_pictures_can_be_measured_and_graded(shape):
    measured = measure_photo(np.full(shape, 120, np.uint8))
    assert measured.noise_sigma == pytest.approx(0, abs=1e-3)
    assert 0 <= grade(measured, "old").severity <= 1
