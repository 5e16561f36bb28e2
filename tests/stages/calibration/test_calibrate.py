"""Calibration is repeatable, refits from its cache, and judges no photo by bounds that saw it."""

import numpy as np
import pytest

from ggt.errors import UsageError
from ggt.settings.quality import QualitySettings
from ggt.stages.calibration.calibrate import (
    Rate,
    caught,
    find_photos,
    kept,
    leave_one_photo_out,
    measure,
)
from ggt.stages.calibration.candidates import CLASSICAL
from ggt.stages.calibration.cases import deal, measure_cell
from ggt.stages.calibration.fit import fit, tabulate
from ggt.stages.calibration.table import markdown


@pytest.fixture(scope="module")
def cells():
    return deal(find_photos(None)[2:6], per_photo=2, num_good=1, num_faults=1, side=256)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def cases(cells, cache):
    return measure(cells, cache=cache, num_processes=1)


def test_each_cell_has_faithful_pairs_faults_and_what_restores_nothing(cells, cases):
    assert len(cases) == 4 * len(cells) == 32
    assert sum(case.name == CLASSICAL for case in cases) == len(cells)
    assert {case.level for case in cases} >= {"good", "lazy"}
    assert all(np.isfinite(list(case.evidence.features.values())).all() for case in cases)


def test_a_second_run_reads_the_cache_and_measures_the_same(cells, cases, cache):
    before = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert measure(cells, cache=cache, num_processes=1) == cases
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == before


def test_bounds_for_a_photo_do_not_hang_on_that_photo(cases):
    table = tabulate(cases)
    without = table.photo != table.photo[0]
    altered = table.values.copy()
    altered[~without] += 100.0
    spoiled = type(table)(
        table.names,
        altered,
        table.photo,
        table.degradation,
        table.category,
        table.name,
        table.level,
        table.decidable,
    )
    assert fit(table, without, made_by="x") == fit(spoiled, without, made_by="x")


def test_every_case_is_judged_once_and_counted_in_the_table(cases):
    judged = leave_one_photo_out(cases, quality=QualitySettings())
    assert len(judged) == len(cases)
    total = kept(judged).total + sum(caught(judged, lv).total for lv in ("gross", "subtle", "lazy"))
    assert total + sum(not j.decidable for j in judged) == len(cases)
    assert "| faithful pairs kept |" in markdown(judged)


def test_a_share_has_its_wilson_interval():
    low, high = Rate(95, 100).interval
    assert (low, high) == pytest.approx((0.8882, 0.9785), abs=1e-4)
    assert Rate(0, 0).interval == (0.0, 1.0)


def test_one_photo_cannot_be_left_out_of_one():
    with pytest.raises(UsageError, match="at least 2"):
        deal(find_photos(None)[:1])


def test_what_comes_nearer_to_the_truth_is_no_restoration_of_nothing():
    photo = find_photos(None)[0]
    (cell,) = [c for c in deal([photo, photo], per_photo=11, side=256) if c.degradation == "noise"][
        :1
    ]
    made = {case.name: case.decidable for case in measure_cell(cell)}
    assert made[CLASSICAL] is False  # denoising works
    assert made[cell.lazy[0]] is True
