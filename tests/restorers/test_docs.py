"""The example of docs/add-a-restorer.md works."""

import numpy as np

from docs_examples import example_plugin
from ggt.measure.photo import measure_photo
from ggt.restorers import LocalRestorer
from ggt.types import Defect, Prompt, RestoreTask


def test_the_example_is_a_restorer_that_follows_corrections():
    plugin = example_plugin("add-a-restorer.md")
    assert isinstance(plugin, LocalRestorer)
    spot = np.zeros((32, 32, 3), np.uint8)
    spot[8, 8] = 255
    left = Defect("restoration_quality", "residual_degradation", 0.5, "one spot")
    for defects, side in (((), 3.0), ((left,), 5.0)):
        task = RestoreTask(spot, "general", measure_photo(spot), Prompt("fixed", "", defects), 0)
        restored = plugin.restore(task)
        assert restored.image.max() == 0
        assert restored.notes == {"side_px": side}
