import numpy as np
import pytest

from ggt.images import decode_image, encode_jpeg
from ggt.measure.blockiness import blockiness
from ggt.measure.tiles import sample_tiles


def coded(image: np.ndarray, quality: int) -> np.ndarray:
    return decode_image(encode_jpeg(image, quality=quality)).image


def test_lower_quality_measures_as_blockier(clean):
    for image in clean[:2]:
        found = [blockiness(sample_tiles(coded(image, quality))) for quality in (95, 50, 30, 8)]
        assert found == sorted(found)
        assert found[0] < 0.2
        assert found[-1] > 0.5


def test_the_grid_is_found_wherever_a_crop_starts(clean):
    whole = coded(clean[0], 15)
    expected = blockiness(sample_tiles(whole))
    assert blockiness(sample_tiles(whole[3:, 5:])) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("shape", [(1, 1), (31, 300), (64, 64)])
def test_flat_and_tiny_pictures_have_no_grid(shape):
    assert blockiness((np.full(shape, 0.5, np.float32),)) == 0
