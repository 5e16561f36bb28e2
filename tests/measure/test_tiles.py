import numpy as np
import pytest

from ggt.measure.tiles import sample_tiles


def test_a_small_picture_is_taken_whole():
    tiles = sample_tiles(np.zeros((500, 700, 3), np.uint8))
    assert [tile.shape for tile in tiles] == [(500, 700)]


@pytest.mark.parametrize("size", [(2000, 3000), (1024, 1024), (120, 9000), (300, 2000)])
def test_a_large_picture_gives_bounded_tiles_on_the_jpeg_grid(size):
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.stack([rows % 8, columns % 8, rows % 8], axis=2).astype(np.uint8)
    tiles = sample_tiles(image)
    assert sum(tile.size for tile in tiles) <= 25 * 128 * 128
    assert all(tile[0, 0] == 0 for tile in tiles)
    assert len({tile.shape for tile in tiles}) == 1
