"""An estimate's sums are those that a person comes to with a pencil."""

from datetime import date

import pytest

from ggt.errors import UnknownPluginError, UsageError
from ggt.settings.lanes import LaneSettings
from ggt.settings.limits import LimitSettings
from ggt.settings.recipe import Recipe
from ggt.stages.estimate import Plan, PlannedLane, estimate, likely_attempts, plan_of

TODAY = date(2026, 11, 26)
GGT_100K = 103_707
"""Training pairs of the paper's dataset."""
NB2 = PlannedLane("nano_banana_2")


@pytest.fixture(autouse=True)
def no_file_of_the_users(tmp_path, monkeypatch):
    monkeypatch.setenv("GGT_MODELS", str(tmp_path / "models.toml"))


def steps(plan):
    """(step, name) of every item, with its calls and usual dollars in the three cases."""
    return {
        (item.step, item.name): [(figure.calls, figure.usual_usd) for figure in item.figures]
        for item in estimate(plan, TODAY).items
    }


def test_the_papers_dataset_costs_6970_dollars_of_pictures_and_62_of_input():
    one, likely, every = estimate(Plan(GGT_100K, (NB2,)), TODAY).items[0].figures
    pictures = GGT_100K * 1120 * 60 / 1e6
    assert pictures == pytest.approx(6969.11, abs=0.01)
    assert one.usual_usd == pytest.approx(pictures + GGT_100K * 1200 * 0.5 / 1e6)
    assert one.usual_usd == pytest.approx(7031.33, abs=0.01)
    assert likely.usual_usd == pytest.approx(7031.33 * 1.39, abs=0.02)
    assert every.usual_usd == pytest.approx(7031.33 * 3, abs=0.02)


def test_at_most_every_attempt_is_used_and_resent_at_the_reserved_price():
    one, likely, every = estimate(Plan(GGT_100K, (NB2,)), TODAY).items[0].figures
    reserved = 2048 * 0.5 / 1e6 + 2048 * 60 / 1e6
    assert one.most_usd == pytest.approx(GGT_100K * reserved)
    assert likely.most_usd == pytest.approx(GGT_100K * 1.39 * reserved)
    assert every.most_usd == pytest.approx(GGT_100K * 3 * 2 * reserved)


def test_a_judge_costs_2489_dollars_a_pass_over_the_papers_dataset():
    plan = Plan(GGT_100K, (NB2,), judge="gemini_3_1_pro")
    calls, usual = steps(plan)["judge", "gemini_3_1_pro"][0]
    assert (calls, usual) == (GGT_100K, pytest.approx(GGT_100K * (0.006 + 0.018)))
    assert usual == pytest.approx(2488.97, abs=0.01)


def test_votes_and_samples_multiply():
    plan = Plan(100, (PlannedLane("nano_banana_2", samples=4),), judge="gemini_3_1_pro", votes=3)
    found = steps(plan)
    assert [calls for calls, _ in found["restore", "nano_banana_2"]] == [
        400,
        pytest.approx(556),
        1200,
    ]
    assert [calls for calls, _ in found["judge", "gemini_3_1_pro"]] == [
        1200,
        pytest.approx(1668),
        3600,
    ]


def test_lanes_share_the_first_description_and_ask_for_each_later_one():
    lanes = (
        PlannedLane("nano_banana_2", "adaptive", "gemini_3_1_pro", samples=2),
        PlannedLane("flux_2_pro", "adaptive", "gemini_3_1_pro"),
    )
    found = steps(Plan(100, lanes))["describe", "gemini_3_1_pro"]
    assert [calls for calls, _ in found] == [100, pytest.approx(100 + 300 * 0.39), 100 + 300 * 2]
    assert found[0][1] == pytest.approx(100 * (1500 * 2 + 400 * 12) / 1e6)


def test_two_strategies_ask_for_descriptions_of_their_own():
    lanes = (
        PlannedLane("nano_banana_2", "adaptive", "gemini_3_1_pro"),
        PlannedLane("nano_banana_2", "another", "gemini_3_1_pro"),
    )
    assert steps(Plan(100, lanes))["describe", "gemini_3_1_pro"][0][0] == 200


def test_the_steps_stand_in_their_order():
    lane = PlannedLane("nano_banana_2", "adaptive", "gemini_3_1_pro")
    found = list(steps(Plan(1, (lane,), judge="gpt_6_1_sol")))
    assert [step for step, _ in found] == ["describe", "restore", "judge"]


@pytest.mark.parametrize("name", ["classical", "qwen_image_edit"])
def test_what_runs_here_costs_nothing(name):
    result = estimate(Plan(1000, (PlannedLane(name),)), TODAY)
    assert [result.total(case).usual_usd for case in range(3)] == [0, 0, 0]
    assert result.total(2).most_usd == 0
    assert result.total(2).calls == 3000


def test_the_total_is_the_sum_of_the_steps():
    lane = PlannedLane("nano_banana_2", "adaptive", "gemini_3_1_pro")
    total = estimate(Plan(1000, (lane,), judge="gemini_3_1_pro"), TODAY).total(0)
    assert total.calls == 3000
    assert total.usual_usd == pytest.approx(1000 * (0.0078 + 0.0678 + 0.024))


@pytest.mark.parametrize(("most", "likely"), [(1, 1.0), (2, 1.3), (3, 1.39), (4, 1.417)])
def test_the_likely_attempts_follow_from_the_papers_pass_rate(most, likely):
    assert likely_attempts(most) == pytest.approx(likely)


def test_the_likely_attempts_can_be_stated():
    result = estimate(Plan(100, (NB2,), attempts=2.0), TODAY)
    assert result.total(1).calls == 200
    assert not any("1.39" in sentence for sentence in result.assumptions)


@pytest.mark.parametrize("attempts", [0.5, 3.5])
def test_a_number_of_attempts_that_cannot_be_is_a_usage_error(attempts):
    with pytest.raises(UsageError, match=f"{attempts:g} attempts"):
        estimate(Plan(100, (NB2,), attempts=attempts), TODAY)


def test_hours_are_latency_over_what_is_under_way():
    result = estimate(Plan(64_000, (NB2,), num_under_way=64), TODAY)
    assert result.hours[0] == pytest.approx(1000 * 20 / 3600)
    assert result.hours_by_model["nano_banana_2"][2] == pytest.approx(3000 * 20 / 3600)


def test_hours_follow_the_rate_that_the_user_states_where_that_is_slower():
    limits = {"nano_banana_2": LimitSettings(images_per_minute=100)}
    result = estimate(Plan(60_000, (NB2,), limits=limits), TODAY)
    assert result.hours[0] == pytest.approx(10)


def test_tokens_a_minute_count_what_is_reserved_for_each_request():
    limits = {"nano_banana_2": LimitSettings(tokens_per_minute=204_800)}
    assert estimate(Plan(60_000, (NB2,), limits=limits), TODAY).hours[0] == pytest.approx(10)


def test_one_model_that_describes_and_judges_is_busy_with_both():
    lane = PlannedLane("nano_banana_2", "adaptive", "gemini_3_1_pro")
    result = estimate(Plan(64_000, (lane,), judge="gemini_3_1_pro"), TODAY)
    assert result.hours_by_model["gemini_3_1_pro"][0] == pytest.approx(2000 * 20 / 3600)
    assert result.hours[0] == result.hours_by_model["gemini_3_1_pro"][0]


def test_what_runs_in_this_process_makes_one_picture_at_a_time():
    result = estimate(Plan(3600, (PlannedLane("qwen_image_edit"),)), TODAY)
    assert result.hours[0] == pytest.approx(3600 * 60 / 3600)


def test_a_single_photo_takes_as_long_as_its_steps_one_after_the_other():
    lane = PlannedLane("nano_banana_2", "adaptive", "gemini_3_1_pro")
    result = estimate(Plan(1, (lane,), judge="gemini_3_1_pro"), TODAY)
    assert result.hours[2] == pytest.approx(3 * 60 / 3600)


def test_what_would_end_the_build_at_once_is_told(monkeypatch):
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    told = estimate(Plan(1, (NB2,)), TODAY).lacks
    assert any(sentence.startswith("nano_banana_2: no key") for sentence in told)
    assert estimate(Plan(1, (PlannedLane("classical"),)), TODAY).lacks == ()


def test_an_unknown_restorer_is_a_usage_error():
    with pytest.raises(UnknownPluginError, match="Did you mean 'classical'"):
        estimate(Plan(1, (PlannedLane("clasical"),)), TODAY)


def test_a_plan_is_what_the_recipe_asks():
    recipe = Recipe.model_validate(
        {
            "lanes": [{"restorer": "nano_banana_2", "samples": 2}, {"restorer": "classical"}],
            "restore": {"max_attempts": 2, "num_resends": 0},
            "budget": {"num_under_way": 8},
            "quality": {"judge": {"vlm": "gemini_3_1_pro", "votes": 3}},
            "limits": {"nano_banana_2": {"requests_per_minute": 5}},
            "drift": {"share": 0.0},
        }
    )
    assert plan_of(recipe, 10, attempts=1.5) == Plan(
        num_lqs=10,
        lanes=(PlannedLane("nano_banana_2", samples=2), PlannedLane("classical")),
        judge="gemini_3_1_pro",
        votes=3,
        max_attempts=2,
        num_resends=0,
        num_under_way=8,
        attempts=1.5,
        limits={"nano_banana_2": LimitSettings(requests_per_minute=5)},
    )


def test_native_crops_multiply_the_lqs():
    crops = {"ingest": {"native": ["rain"], "crops": 4}}
    assert plan_of(Recipe.model_validate(crops), 10).num_lqs == 40
    assert plan_of(Recipe.model_validate({"ingest": {"crops": 4}}), 10).num_lqs == 10


def test_a_strategy_that_asks_needs_somebody_to_ask():
    lane = LaneSettings(restorer="nano_banana_2", prompt="adaptive")
    with pytest.raises(UsageError, match="'adaptive' of 'nano_banana_2' asks a vlm"):
        plan_of(Recipe(lanes=(lane,)), 10)
    asked = lane.model_copy(update={"vlm": "gemini_3_1_pro"})
    assert plan_of(Recipe(lanes=(asked,)), 10).lanes[0].vlm == "gemini_3_1_pro"
