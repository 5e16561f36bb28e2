import numpy as np
import pytest

from ggt.images import decode_image, encode_jpeg, resize, thumbnail
from ggt.measure.perceptual_hash import perceptual_hash


def distance(one: np.ndarray, other: np.ndarray) -> int:
    return (perceptual_hash(one) ^ perceptual_hash(other)).bit_count()


def test_copies_stay_near(clean):
    for image in clean:
        height, width = image.shape[:2]
        assert distance(image, decode_image(encode_jpeg(image, quality=40)).image) <= 3
        assert distance(image, resize(image, width // 2, height // 2)) <= 3
        assert distance(image, np.clip(image * 0.8 + 10, 0, 255).astype(np.uint8)) <= 3
        assert distance(image, thumbnail(image, 256)) == 0


def test_the_median_makes_half_of_the_bits_ones(clean):
    assert all(31 <= perceptual_hash(image).bit_count() <= 33 for image in clean)


def test_different_photos_are_far_apart(clean):
    for index, image in enumerate(clean):
        assert min(distance(image, other) for other in clean[:index] + clean[index + 1 :]) > 12


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 900, 3)])
def test_odd_sizes_have_a_hash_of_64_bits(shape):
    assert 0 <= perceptual_hash(np.full(shape, 7, np.uint8)) < 2**64
