"""The example of docs/add-a-fault.md works."""

import re
from pathlib import Path

import numpy as np

from ggt.faults import Fault, GoodPair

PAGE = Path(__file__).parents[2] / "docs" / "add-a-fault.md"


def test_the_example_is_a_fault():
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    names: dict[str, object] = {}
    exec(code[1], names)
    plugin = names["PLUGIN"]
    assert isinstance(plugin, Fault)
    ramp = np.arange(256, dtype=np.uint8).reshape(1, -1, 1).repeat(3, axis=2)
    planted = plugin.plant(GoodPair(ramp, ramp, ramp), 1.0, np.random.default_rng(0))
    assert len(np.unique(planted.hq)) == 6
