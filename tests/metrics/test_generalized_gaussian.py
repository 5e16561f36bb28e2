import numpy as np
import pytest
from scipy import special, stats

from ggt.metrics._generalized_gaussian import _nearest_ratio, block_features

SHAPES = np.arange(200, 10001) / 1000
RATIOS = special.gamma(2 / SHAPES) ** 2 / (special.gamma(1 / SHAPES) * special.gamma(3 / SHAPES))


def test_the_nearest_row_of_the_table_is_found_also_beyond_its_ends():
    wanted = np.random.default_rng(0).uniform(0.0, 0.8, 500)
    nearest = [np.argmin(np.abs(RATIOS - one)) for one in wanted]
    assert np.array_equal(_nearest_ratio(wanted), nearest)


@pytest.mark.parametrize("shape", [0.5, 1.0, 2.0, 4.0])
def test_the_shape_and_scale_of_known_noise_are_found(shape):
    noise = stats.gennorm.rvs(shape, scale=0.7, size=(192, 192), random_state=1)
    found, scale = block_features(noise, 192)[0, :2]
    assert found == pytest.approx(shape, rel=0.05)
    assert scale == pytest.approx(0.7, rel=0.05)


def test_values_of_one_sign_have_no_features():
    positive = np.random.default_rng(0).uniform(0.1, 1, (96, 96))
    assert np.isnan(block_features(positive, 96)).all()
