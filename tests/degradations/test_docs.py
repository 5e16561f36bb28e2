"""The example of docs/add-a-degradation.md works."""

import numpy as np

from docs_examples import example_plugin
from ggt.degradations import Degradation


def test_the_example_is_a_degradation():
    plugin = example_plugin("add-a-degradation.md")
    assert isinstance(plugin, Degradation)
    white = np.full((33, 65, 3), 200, np.uint8)
    dark = plugin.apply(white, 1.0, np.random.default_rng(0))
    assert dark.image[0, 0, 0] < 60 < dark.image[16, 32, 0]
    assert dark.parameters == {"corner_loss": 0.8}
