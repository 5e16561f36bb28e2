import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ggt.errors import GgtError, UsageError
from ggt.settings.release import ReleaseSettings
from ggt.stages.release.entries import enter
from ggt.stages.release.samples import cut_pair, pseudonym
from ggt.stages.release.split import divide
from ggt.stages.release.write import NothingToReleaseError, Target, gate, write_release
from ggt.types import Box
from synthetic_pairs import BOX, Blobs, contents, make_facts, make_pair, pair_id, release, scene


def test_a_pair_of_unknown_licence_is_barred_unless_the_user_says_otherwise():
    blobs = Blobs()
    known, unknown = make_pair(1, blobs), make_pair(2, blobs, licence=None)
    entries = list(enter([known, unknown]))
    passed = gate(entries, ReleaseSettings())
    assert (passed.entries, passed.barred) == ((entries[0],), {"unknown_licence": 1})
    assert len(gate(entries, ReleaseSettings(allow_unknown_licence=True)).entries) == 2


def test_a_pair_below_the_assurance_that_the_recipe_demands_is_barred():
    blobs = Blobs()
    pairs = [
        make_pair(n, blobs, assurance=a) for n, a in enumerate(("measured", "reviewed", "audited"))
    ]
    passed = gate(enter(pairs), ReleaseSettings(assurance="reviewed"))
    assert {pair.assurance for pair in passed.entries} == {"reviewed", "audited"}
    assert passed.barred == {"assurance_below_reviewed": 1}


def test_the_crop_undoes_the_correction_so_that_both_sides_show_the_same():
    blobs = Blobs()
    pair = make_pair(3, blobs, correction=(5, -3), box=Box(8, 8, 64, 64))
    _, gt = cut_pair(pair, blobs.read)
    np.testing.assert_array_equal(gt, scene(3)[8:72, 8:72])


@pytest.mark.parametrize("box", [Box(16, 16, 72, 64), Box(0, 0, 60, 64), Box(-8, 0, 64, 64)])
def test_a_box_that_leaves_the_picture_or_is_no_multiple_of_8_is_refused(box):
    blobs = Blobs()
    pair = make_pair(3, blobs, box=box)
    with pytest.raises(GgtError, match=f"pair {pair.id}: the box"):
        cut_pair(pair, blobs.read)


def test_nothing_accepted_means_nothing_written_and_the_reason_is_told(tmp_path):
    division = divide([], num_test=0)
    for barred, told in (({}, "1 rejected by metrics"), ({"unknown_licence": 3}, "Barred: 3 ")):
        with pytest.raises(NothingToReleaseError, match=told) as caught:
            write_release(
                [],
                division,
                contents=contents([], Blobs()),
                facts=make_facts(barred=barred),
                target=Target(tmp_path / "out", "parquet", ReleaseSettings()),
            )
        assert caught.value.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "holiday.jpg").write_bytes(b"mine")
    blobs = Blobs()
    with pytest.raises(UsageError, match="not empty and holds no release"):
        release([make_pair(1, blobs)], blobs, tmp_path)
    assert (tmp_path / "holiday.jpg").read_bytes() == b"mine"


def test_an_earlier_release_is_replaced_whole(tmp_path):
    blobs = Blobs()
    out = release([make_pair(1, blobs)], blobs, tmp_path / "out", format_name="folders")
    release([make_pair(2, blobs)], blobs, out, format_name="parquet")
    assert sorted(path.name for path in out.iterdir()) == [
        "CHECKSUMS.sha256",
        "PROVENANCE.jsonl",
        "README.md",
        "croissant.json",
        "data",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_failure_half_way_leaves_the_earlier_release_untouched(tmp_path):
    blobs = Blobs()
    pairs = [make_pair(1, blobs), make_pair(2, blobs)]
    out = release(pairs, blobs, tmp_path / "out", format_name="folders")
    before = (out / "CHECKSUMS.sha256").read_text()
    broken = [*pairs, make_pair(3, blobs, box=Box(40, 40, 64, 64))]
    with pytest.raises(GgtError, match="does not fit"):
        release(broken, blobs, out, format_name="folders")
    assert (out / "CHECKSUMS.sha256").read_text() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_full_disk_is_told_with_a_remedy_and_leaves_nothing_behind(tmp_path):
    program = f"""
import resource, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from synthetic_pairs import Blobs, make_pair, release
from ggt.errors import StorageError
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
blobs = Blobs()
pairs = [make_pair(n, blobs) for n in range(8)]
resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, 8_000))
for name in ("parquet", "webdataset", "folders"):
    try:
        release(pairs, blobs, Path({str(tmp_path / "out")!r}), format_name=name)
    except StorageError as error:
        print(error)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.count("the disk or quota is full") == 3
    assert list(tmp_path.iterdir()) == []


def test_every_file_is_listed_with_its_checksum(tmp_path):
    blobs = Blobs()
    out = release([make_pair(n, blobs) for n in range(3)], blobs, tmp_path / "out", num_test=1)
    lines = (out / "CHECKSUMS.sha256").read_text().splitlines()
    listed = {name: digest for digest, name in (line.split("  ") for line in lines)}
    files = {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}
    assert set(listed) == set(files) - {"CHECKSUMS.sha256"}
    for name, digest in listed.items():
        assert hashlib.sha256(files[name].read_bytes()).hexdigest() == digest


def test_provenance_has_a_line_a_pair_even_for_names_that_are_not_utf8(tmp_path):
    blobs = Blobs()
    pair = make_pair(1, blobs, path="caf\udce9/<script>\n.jpg", reviewer="Ann Smith")
    out = release([pair, make_pair(2, blobs)], blobs, tmp_path / "out")
    text = (out / "PROVENANCE.jsonl").read_text(encoding="ascii")
    lines = {value["id"]: value for value in map(json.loads, text.splitlines())}
    assert set(lines) == {pair_id(1), pair_id(2)}
    line = lines[pair_id(1)]
    assert line["photo"]["path"] == "caf\udce9/<script>\n.jpg"
    assert line["box"] == {"left": 8, "top": 0, "width": 64, "height": 72}
    assert line["hq_blob"] == pair.hq_blob
    assert line["reviewer"] == pseudonym("Ann Smith")
    everything = b"".join(path.read_bytes() for path in out.rglob("*") if path.is_file())
    assert b"Ann Smith" not in everything


def test_pairs_that_a_frozen_test_scene_withholds_are_not_released(tmp_path):
    blobs = Blobs()
    pairs = sorted(
        (make_pair(n, blobs, group="twins" if n < 2 else None) for n in range(4)),
        key=lambda pair: pair.id,
    )
    twin = next(pair for pair in pairs if pair.group == "twins")
    entries = list(enter(pairs))
    division = divide(entries, num_test=1, frozen=[twin.id])
    write_release(
        entries,
        division,
        contents=contents(pairs, blobs),
        facts=make_facts(),
        target=Target(tmp_path / "out", "folders", ReleaseSettings()),
    )
    assert [p.stem for p in (tmp_path / "out/test/gt").iterdir()] == [twin.id]
    assert len(list((tmp_path / "out/train/gt").iterdir())) == 2
    assert "1 further pair" in (tmp_path / "out/README.md").read_text()


def test_croissant_is_valid_and_lists_every_pair(tmp_path):
    blobs = Blobs()
    pairs = [make_pair(n, blobs, box=BOX) for n in range(4)]
    pairs[0] = replace(pairs[0], ground_truth=False)
    out = release(pairs, blobs, tmp_path / "out", num_test=1)
    records = load_croissant(out / "croissant.json")
    assert {record["pairs/id"].decode() for record in records} == {pair.id for pair in pairs}
    assert [r["pairs/stamp"] for r in records].count(b"not-ground-truth") == 1


def load_croissant(path):
    import warnings

    with warnings.catch_warnings():
        # rdflib, on which the validator stands, warns of itself.
        warnings.simplefilter("ignore", DeprecationWarning)
        import mlcroissant

        dataset = mlcroissant.Dataset(jsonld=str(path))
        assert dataset.metadata.ctx.issues.errors == set()
        return list(dataset.records("pairs"))


def test_a_pair_that_vanished_since_it_was_counted_is_told_and_nothing_is_written(tmp_path):
    blobs = Blobs()
    pairs = [make_pair(number, blobs) for number in range(3)]
    entries = sorted(enter(pairs), key=lambda entry: entry.id)
    with pytest.raises(GgtError, match="3 train pairs were counted and 2 were found"):
        write_release(
            entries,
            divide(entries, num_test=0),
            contents=contents(pairs[1:], blobs),
            facts=make_facts(),
            target=Target(tmp_path / "out", "folders", ReleaseSettings()),
        )
    assert list(tmp_path.iterdir()) == []
