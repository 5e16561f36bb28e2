"""A rehearsal from photos to a dataset that strangers' libraries open: every row with both images, paired rightly."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from ggt.stages.build import build
from ggt.stages.ingest import crop_image
from ggt.stages.outcomes import pairs
from ggt.stages.release.publish import ReleaseRequest, publish
from ggt.stages.release.samples import cut_pair
from ggt.store.workspace import open_readonly
from rehearsal import request, small_recipe, write_photos


@pytest.fixture(scope="module")
def rehearsed(tmp_path_factory):
    """A workspace of the simulated restorer over degraded photos, and its pairs' pixels by id."""
    folder = tmp_path_factory.mktemp("rehearsed")
    build(request(write_photos(folder), folder / "ws", small_recipe("simulated")))
    with open_readonly(folder / "ws") as reading:
        expected = {pair.id: cut_pair(pair, reading.layout.read_blob) for pair in pairs(reading)}
    assert expected, "the rehearsal accepted no pair: nothing to test"
    return folder / "ws", expected


def check(rows, expected):
    found = {identity: (lq, gt) for identity, lq, gt in rows}
    assert found.keys() == expected.keys()
    for identity, (lq, gt) in found.items():
        assert np.array_equal(lq, expected[identity][0]), identity
        assert np.array_equal(gt, expected[identity][1]), identity


def pixels(image):
    return np.asarray(image.convert("RGB"))


def decoded(data):
    return pixels(Image.open(io.BytesIO(data)))


@pytest.mark.parametrize("layout", ["parquet", "folders"])
def test_datasets_streams_every_pair(rehearsed, tmp_path, layout, monkeypatch):
    import datasets

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    workspace, expected = rehearsed
    publish(workspace, ReleaseRequest(to=tmp_path / "out", format_name=layout))
    rows = datasets.load_dataset(str(tmp_path / "out"), split="train", streaming=True)
    check(((row["id"], pixels(row["lq"]), pixels(row["gt"])) for row in rows), expected)


# webdataset leaves closing its shards to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_every_pair(rehearsed, tmp_path):
    import webdataset

    workspace, expected = rehearsed
    publish(workspace, ReleaseRequest(to=tmp_path / "out", format_name="webdataset"))
    shards = [str(path) for path in sorted((tmp_path / "out").rglob("*.tar"))]
    rows = webdataset.WebDataset(shards, shardshuffle=False)
    check(
        (
            (json.loads(row["json"])["id"], decoded(row["lq.png"]), decoded(row["gt.png"]))
            for row in rows
        ),
        expected,
    )


def test_the_released_targets_are_near_the_truth(rehearsed):
    """What a rehearsal alone can show: accepted targets are closer to the truth than their lqs."""
    from ggt.images import decode_image
    from ggt.metrics.psnr import PLUGIN

    workspace, expected = rehearsed
    with open_readonly(workspace) as reading:
        for pair in pairs(reading):
            truth = decode_image(reading.layout.read_blob(pair.truth_blob)).image
            target = crop_image(truth, pair.assessment.box)
            lq, gt = expected[pair.id]
            assert PLUGIN.score(gt, target) > PLUGIN.score(lq, target)


def test_every_file_of_a_rehearsal_is_stamped(rehearsed, tmp_path):
    workspace, _ = rehearsed
    publish(workspace, ReleaseRequest(to=tmp_path / "out", format_name="folders"))
    images = list((tmp_path / "out").rglob("*.png"))
    assert images
    for path in images:
        with Image.open(path) as image:
            assert "not-ground-truth" in image.text.values()
    for name in ("README.md", "PROVENANCE.jsonl", "train/metadata.jsonl"):
        assert "not-ground-truth" in (tmp_path / "out" / name).read_text(encoding="utf-8")
