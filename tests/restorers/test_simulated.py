"""The rehearsal keeps its stated rates and says what it planted."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from ggt import plugins
from ggt.errors import SizeMismatchError, UsageError
from ggt.restorers import simulated
from ggt.types import Defect, Image, Measurements, Prompt, RestoreTask

SEEDS = 400
MEASURED = Measurements(
    width=16,
    height=16,
    noise_sigma=5.0,
    blur_px=1.0,
    blockiness=0.0,
    mean_luma=0.5,
    dark_channel=0.2,
    contrast=0.5,
    saturation=0.3,
)


def _mark(name: str, *, lq: Image, hq: Image, other: Image, strength: float, seed: int) -> Image:
    """A fault that any test can see: the target turned to one grey."""
    return np.full_like(hq, 7)


def _task(seed: int = 0, defects: tuple[Defect, ...] = ()) -> RestoreTask:
    rng = np.random.default_rng(3)
    truth = rng.integers(60, 200, (16, 16, 3), dtype=np.uint8)
    prompt = Prompt("fixed", "restore", defects)
    lq = truth // 2
    return RestoreTask(lq, "lowlight", MEASURED, prompt, seed, truth=truth, plant=_mark)


def _binomial_bound(rate: float) -> float:
    """Four standard deviations of a count: one in 16,000 runs of a right program would fall outside."""
    return 4 * (SEEDS * rate * (1 - rate)) ** 0.5


def _counts(defects: tuple[Defect, ...] = ()) -> Counter[str]:
    runs = (simulated.restore(_task(seed, defects)) for seed in range(SEEDS))
    return Counter(str(run.notes["fault"]) for run in runs)


def test_first_attempts_are_faulty_at_the_stated_rates():
    counts = _counts()
    for name, rate in simulated.FAULT_RATES.items():
        assert abs(counts[name] - SEEDS * rate) <= _binomial_bound(rate), name
    assert sum(simulated.FAULT_RATES.values()) == pytest.approx(0.45)
    assert abs(counts[simulated.NO_FAULT] - SEEDS * 0.55) <= _binomial_bound(0.55)


def test_corrective_attempts_are_less_often_faulty_by_the_stated_factor():
    counts = _counts((Defect("restoration_quality", "residual_degradation", 0.6, "left"),))
    rate = 0.45 * simulated.CORRECTIVE_FACTOR
    assert abs(SEEDS - counts[simulated.NO_FAULT] - SEEDS * rate) <= _binomial_bound(rate)


def test_the_notes_say_exactly_what_was_planted():
    for seed in range(60):
        restored = simulated.restore(_task(seed))
        planted = bool((restored.image == 7).all())
        assert (restored.notes["fault"] != simulated.NO_FAULT) == planted
        strength = float(restored.notes["strength"])
        assert 0.25 <= strength <= 1.0 if planted else strength == 0.0


def test_faithful_answers_differ_from_the_truth_by_no_more_than_a_slight_edit():
    seen = set[str]()
    for seed in range(60):
        task = _task(seed)
        restored = simulated.restore(task)
        if restored.notes["fault"] != simulated.NO_FAULT:
            continue
        variation = str(restored.notes["variation"])
        seen.add(variation)
        assert task.truth is not None
        error = np.abs(restored.image.astype(int) - task.truth.astype(int))
        assert error.mean() <= (0 if variation == "exact" else 10), variation
    assert seen == {"exact", "sharpened", "toned"}


def test_every_fault_of_the_table_exists():
    assert set(simulated.FAULT_RATES) <= set(plugins.names("faults"))


def test_a_photo_without_truth_is_refused_with_the_way_to_make_a_rehearsal():
    with pytest.raises(UsageError, match="ggt degrade"):
        simulated.restore(replace(_task(), truth=None))


def test_a_truth_of_another_size_is_refused_with_both_shapes():
    with pytest.raises(SizeMismatchError, match=r"\(8, 16, 3\).*\(16, 16, 3\)"):
        simulated.restore(replace(_task(), truth=np.zeros((8, 16, 3), np.uint8)))


def test_a_rehearsal_without_anything_that_plants_is_refused():
    with pytest.raises(UsageError, match="plant"):
        simulated.restore(replace(_task(), plant=None))
