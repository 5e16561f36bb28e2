import pytest

from ggt.errors import GgtError
from ggt.formats import Format
from ggt.plugins import load
from ggt.stages.audit import Audit
from ggt.stages.release.card import write_card
from ggt.stages.release.entries import enter
from ggt.stages.release.front_matter import to_yaml
from ggt.stages.release.split import divide
from ggt.types import Fate
from synthetic_pairs import Blobs, make_facts, make_pair, release


def card(tmp_path, pairs, **facts):
    entries = list(enter(pairs))
    write_card(
        tmp_path,
        entries,
        divide(entries, num_test=1),
        chosen=load("formats", "parquet", Format),
        facts=make_facts(**facts),
    )
    return (tmp_path / "README.md").read_text()


@pytest.fixture
def pairs():
    blobs = Blobs()
    return [make_pair(number, blobs) for number in range(4)]


def test_the_card_counts_the_funnel_and_survival_by_category_and_severity(tmp_path, pairs):
    fates = (
        Fate("pair", "pair", "rain", 0.9),
        Fate("pair", "pair", "rain", 0.9),
        Fate("judge", "hue", "rain", 0.7),
        Fate("set_aside", "already_clean", "general", 0.0),
    )
    text = card(tmp_path, pairs, fates=fates)
    assert "| rain | – | – | 2 of 3 |" in text
    assert "| rejected by the judge | 1 | 25.0 % |" in text
    assert "| set aside before any cost | 1 | 25.0 % |" in text
    assert "| general |" not in text


def test_a_card_with_an_unfilled_field_is_an_error(tmp_path, pairs):
    with pytest.raises(GgtError, match="unfilled"):
        card(tmp_path, pairs, terms={})
    with pytest.raises(GgtError, match="unfilled"):
        card(tmp_path, pairs, calibration=" ")
    assert not (tmp_path / "README.md").exists()


def test_without_a_random_sample_no_bound_is_claimed(tmp_path, pairs):
    text = card(tmp_path, pairs)
    assert "0 of 4 released pairs were accepted by a person; no random sample was looked" in text
    text = card(tmp_path, pairs, audit=Audit(num_checked=200, num_bad=0, num_passed=900))
    assert "looked at 200 drawn by lot and found 0 bad: at most 1.49 % at 95 % confidence" in text
    text = card(tmp_path, pairs, audit=Audit(num_checked=9, num_bad=2, num_passed=9))
    assert (
        "of 9 candidates that quality control had passed by itself, people looked at every one and turned 2"
        in text
    )


def test_what_is_no_ground_truth_is_said_at_the_top(tmp_path):
    blobs = Blobs()
    pairs = [make_pair(number, blobs, ground_truth=number > 0) for number in range(3)]
    text = card(tmp_path, pairs)
    assert "**not-ground-truth**: 1 of 3 targets" in text
    assert '- "not-ground-truth"' in text
    assert "not-ground-truth**" not in card(tmp_path, pairs[1:])


def test_names_cannot_break_a_table_or_become_markup(tmp_path):
    blobs = Blobs()
    pair = make_pair(1, blobs, licence="mine | <script>\nyours")
    text = card(tmp_path, [pair, make_pair(2, blobs)], licence='a "b": c')
    assert "| mine &#124; &#60;script&#62; yours | 1 |" in text
    assert "<script>" not in text
    assert 'license: "other"\nlicense_name: "a-b-c"\n' in text


def test_the_front_matter_is_yaml_that_the_hub_library_reads(tmp_path):
    from huggingface_hub import DatasetCard

    blobs = Blobs()
    out = release([make_pair(n, blobs) for n in range(4)], blobs, tmp_path / "out", num_test=1)
    data = DatasetCard.load(str(out / "README.md")).data
    assert data.license == "cc-by-4.0"
    assert data.task_categories == ["image-to-image"]
    assert data.size_categories == ["n<1K"]
    (config,) = data.to_dict()["configs"]
    assert config["data_files"] == [
        {"split": "train", "path": "data/train-*.parquet"},
        {"split": "test", "path": "data/test-*.parquet"},
    ]


def test_yaml_texts_survive_quotes_colons_and_line_ends():
    import yaml

    value = {"a": 'x: "y"\n- z', "b": [{"c": "é#", "d": ["1", "yes"]}, "null"], "e": {"f": 3}}
    assert yaml.safe_load(to_yaml(value)) == value
