"""The example of docs/add-a-format.md works."""

import numpy as np

from docs_examples import example_plugin
from ggt.formats import Format, Plan
from ggt.images import decode_image
from ggt.stages.release.samples import make_sample
from synthetic_pairs import BOX, Blobs, make_pair, scene


def test_the_example_of_a_format_gives_back_what_it_was_given(tmp_path):
    plugin = example_plugin("add-a-format.md")
    assert isinstance(plugin, Format)
    blobs = Blobs()
    samples = [make_sample(make_pair(number, blobs), blobs.read) for number in (1, 2)]
    assert not plugin.holds(tmp_path)
    plugin.write(tmp_path, "train", samples, Plan(()))
    assert plugin.holds(tmp_path)
    found = {pair.id: pair for pair in plugin.read(tmp_path)}
    assert sorted(found) == sorted(sample.row.id for sample in samples)
    gt = decode_image(found[samples[0].row.id].gt).image
    expected = scene(1)[BOX.top : BOX.top + BOX.height, BOX.left : BOX.left + BOX.width]
    np.testing.assert_array_equal(gt, expected)
