"""The example of docs/add-a-vlm.md works."""

import numpy as np

from docs_examples import example_plugin
from ggt.measure.photo import measure_photo
from ggt.vlms import LocalVlm, Sight


def test_the_example_is_a_vlm_that_asks_for_light_where_there_is_little():
    plugin = example_plugin("add-a-vlm.md")
    assert isinstance(plugin, LocalVlm)
    for level, asked in ((20, "Brighten this photo."), (150, "Restore this photo.")):
        wall = np.full((32, 32, 3), level, np.uint8)
        described = plugin.describe(Sight(wall, "lowlight", measure_photo(wall), ()))
        assert described.prompt == f"{asked} Keep everything that it shows."
