"""The example of docs/add-a-degradation.md works."""

import re
from pathlib import Path

import numpy as np

from ggt.degradations import Degradation

PAGE = Path(__file__).parents[2] / "docs" / "add-a-degradation.md"


def test_the_example_is_a_degradation():
    code = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert code
    names: dict[str, object] = {}
    exec(code[1], names)
    plugin = names["PLUGIN"]
    assert isinstance(plugin, Degradation)
    white = np.full((33, 65, 3), 200, np.uint8)
    dark = plugin.apply(white, 1.0, np.random.default_rng(0))
    assert dark.image[0, 0, 0] < 60 < dark.image[16, 32, 0]
    assert dark.parameters == {"corner_loss": 0.8}
