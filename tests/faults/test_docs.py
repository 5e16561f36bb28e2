"""The example of docs/add-a-fault.md works."""

import numpy as np

from docs_examples import example_plugin
from ggt.faults import Fault, GoodPair


def test_the_example_is_a_fault():
    plugin = example_plugin("add-a-fault.md")
    assert isinstance(plugin, Fault)
    ramp = np.arange(256, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    planted = plugin.plant(GoodPair(ramp, ramp, ramp), 1.0, np.random.default_rng(0))
    assert len(np.unique(planted.hq)) == 6
