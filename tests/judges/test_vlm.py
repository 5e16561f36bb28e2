"""What a vlm is asked about a pair, and how its votes become levels, confidences and defects."""

import hashlib
import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ggt import plugins
from ggt.answers import Judgement, Region, schema_of
from ggt.judges import JudgeTask, _shown, vlm
from ggt.judges._shown import crops, pixels_of
from ggt.judges.vlm import content, opinion
from ggt.types import ASPECTS, CATEGORIES, Aspect, AspectVerdict, Box, Defect
from vlm_answers import aspect, judgement, kept_item, region, seen

BOX = Box(16, 8, 1000, 500)
LQ = np.random.default_rng(1).integers(0, 256, (600, 800, 3), dtype=np.uint8)
CANDIDATE = 255 - LQ


def verdict_of(name: Aspect, *votes: Judgement, min_level: int = 3) -> AspectVerdict:
    return opinion(votes, BOX, min_level).aspects[ASPECTS.index(name)]


# What is asked


def test_both_sides_go_at_full_size_each_behind_its_name_and_the_question_last():
    parts = content(JudgeTask(LQ, CANDIDATE, "haze"))
    assert [isinstance(part, str) for part in parts] == [True, False, True, False, True]
    assert parts[0].endswith("Image A, the degraded input:")
    assert "haze or fog" in parts[0]
    assert parts[1] is LQ
    assert parts[2].startswith("Image B")
    assert parts[3] is CANDIDATE


@pytest.mark.parametrize("category", CATEGORIES)
def test_the_texts_are_short_and_nothing_is_left_to_fill_in(category):
    items = tuple(kept_item(f"thing {n}") for n in range(4))
    parts = content(JudgeTask(LQ, CANDIDATE, category, items))
    texts = [part for part in parts if isinstance(part, str)]
    assert "$" not in "".join(texts)
    assert sum(len(text.split()) for text in texts) < 900


def test_the_question_names_every_field_in_the_order_of_the_answer():
    question = content(JudgeTask(LQ, CANDIDATE, "rain"))[-1]
    places = [question.find(f'"{field}"') for field in Judgement.model_fields]
    assert -1 not in places
    assert places == sorted(places)
    order = [question.find(f'- "{field}":') for field in ("reason", "defects", "level")]
    assert order == sorted(order)


def test_the_faults_that_a_vlm_may_name_are_those_that_can_be_planted():
    assert set(plugins.names("faults")) == vlm.KINDS


def test_items_are_numbered_and_kept_to_one_line_each():
    items = (kept_item("a face"), kept_item("sign\n\nCASINO"))
    assert "\n1. a face\n2. sign CASINO\n" in content(JudgeTask(LQ, CANDIDATE, "rain", items))[-1]
    assert vlm.NO_ITEMS in content(JudgeTask(LQ, CANDIDATE, "rain"))[-1]


def test_a_small_place_is_shown_from_near_with_both_sides_pixel_for_pixel():
    # 80 pixels across at (400, 300): the least window, 128 pixels, around it.
    task = JudgeTask(LQ, CANDIDATE, "rain", (kept_item("a lamp", 450, 450, 550, 550),))
    label, picture = content(task)[4:6]
    assert label.startswith("Item 1 from near, every pixel drawn as 2x2")
    assert picture.shape == (256, 256 + 16 + 256, 3)
    assert np.array_equal(picture[::2, :256:2], LQ[236:364, 336:464])
    assert np.array_equal(picture[1::2, 273::2], CANDIDATE[236:364, 336:464])
    assert (picture[:, 256:272] == 128).all()


def test_faces_and_text_come_first_and_four_places_are_enough():
    names = ("lamp", "wire", "the woman's face", "tree", "a shop sign", "dog")
    found = crops(LQ, CANDIDATE, [kept_item(name) for name in names])
    assert [crop.number for crop in found] == [3, 5, 1, 2]


def test_a_place_at_the_border_is_cut_inside_the_picture_and_a_large_one_not_at_all():
    (corner,) = crops(LQ, CANDIDATE, [kept_item("lamp", 980, 980, 1000, 1000)])
    assert np.array_equal(corner.picture[::2, :256:2], LQ[-128:, -128:])
    assert crops(LQ, CANDIDATE, [kept_item("lamp", 0, 0, 500, 500)]) == ()
    assert crops(LQ, CANDIDATE, [kept_item("lamp", 500, 500, 500, 500)]) == ()


def test_a_picture_of_one_pixel_can_be_shown():
    dot = LQ[:1, :1]
    (crop,) = crops(dot, dot, [kept_item("lamp")])
    assert crop.picture.shape == (2, 2 + 16 + 2, 3)


def test_the_version_hangs_on_texts_schema_and_preprocessing():
    names = sorted(vlm._SHOWN_AS.items())
    parts = {
        "texts": [
            vlm.OPENING,
            vlm.QUESTION,
            vlm.FAULTS,
            vlm.CANDIDATE,
            vlm.CROP,
            vlm.NO_ITEMS,
            names,
        ],
        "schema": schema_of(Judgement),
        "preprocessing": _shown.SETTINGS,
    }
    text = json.dumps(parts, sort_keys=True)
    assert vlm.PLUGIN.version == hashlib.sha256(text.encode()).hexdigest()


# How votes are read


def test_one_vote_is_taken_as_it_is():
    defect = seen("hue", "clear", region(100, 200, 300, 400), "the roof is blue")
    vote = judgement(colour_consistency=aspect(2, 0.9, defect))
    assert verdict_of("colour_consistency", vote) == AspectVerdict(
        "colour_consistency",
        2,
        0.9,
        (Defect("colour_consistency", "hue", 0.6, "the roof is blue", Box(116, 108, 200, 100)),),
    )
    assert verdict_of("geometry_alignment", vote) == AspectVerdict("geometry_alignment", 4, 0.8)
    assert opinion([vote], BOX, 3).flip_rate == 0.0


@pytest.mark.parametrize(
    ("levels", "level", "confidence"),
    [((4, 2, 5), 4, 0.533), ((2, 2, 5), 2, 0.533), ((2, 4), 2, 0.4), ((5, 3, 4, 3), 3, 0.8)],
)
def test_the_level_is_the_lower_median_and_dissent_costs_confidence(levels, level, confidence):
    votes = [judgement(content_reasonableness=aspect(one)) for one in levels]
    verdict = verdict_of("content_reasonableness", *votes)
    assert (verdict.level, verdict.confidence) == (level, confidence)


def test_votes_that_cannot_tell_set_no_level_but_cost_confidence():
    blind, sure = judgement(geometry_alignment=aspect(0, 0.1)), judgement()
    verdict = verdict_of("geometry_alignment", blind, sure)
    assert (verdict.level, verdict.confidence) == (4, 0.4)
    assert verdict_of("geometry_alignment", blind) == AspectVerdict("geometry_alignment", None, 0.0)
    assert opinion([blind, sure], BOX, 3).flip_rate == 0.0


def test_the_flip_rate_counts_votes_against_their_majority_over_all_assessed_aspects():
    votes = [
        judgement(),
        judgement(geometry_alignment=aspect(2), colour_consistency=aspect(0)),
        judgement(geometry_alignment=aspect(1), restoration_quality=aspect(2)),
    ]
    # 14 answers assess; one dissents about geometry, one about restoration.
    assert opinion(votes, BOX, 3).flip_rate == 2 / 14
    # From level 1 on everything passes, so nobody dissents.
    assert opinion(votes, BOX, 1).flip_rate == 0.0


def test_only_the_defects_of_the_majority_count():
    votes = [
        judgement(colour_consistency=aspect(2, 0.8, seen("hue"))),
        judgement(colour_consistency=aspect(2, 0.8, seen("cast"))),
        judgement(colour_consistency=aspect(4, 0.8, seen("desaturation"))),
    ]
    kinds = {defect.kind for defect in verdict_of("colour_consistency", *votes).defects}
    assert kinds == {"hue", "cast"}


def test_one_defect_seen_by_several_is_one_as_grave_as_the_gravest_and_at_its_place():
    left = seen("grid", "slight", region(0, 0, 200, 200), "a grid")
    again = seen("grid", "clear", region(100, 100, 300, 300), "a mesh")
    everywhere = seen("grid", "gross", None, "grid all over")
    apart = seen("grid", "slight", region(800, 800, 900, 900), "another grid")
    votes = [
        judgement(content_reasonableness=aspect(2, 0.8, one))
        for one in (left, again, everywhere, apart)
    ]
    found = verdict_of("content_reasonableness", *votes).defects
    assert [(defect.detail, defect.severity, defect.box) for defect in found] == [
        ("a mesh", 1.0, Box(116, 58, 200, 100)),
        ("another grid", 0.25, Box(816, 408, 100, 50)),
    ]


def test_defects_of_different_kinds_at_one_place_stay_apart():
    place = region(0, 0, 200, 200)
    vote = judgement(
        content_reasonableness=aspect(
            2, 0.8, seen("grid", "slight", place), seen("ringing", "clear", place)
        )
    )
    assert [d.kind for d in verdict_of("content_reasonableness", vote).defects] == [
        "ringing",
        "grid",
    ]


@pytest.mark.parametrize(
    ("said", "kind"),
    [("Object Removed", "object_removed"), ("colour-shift", "other"), ("", "other")],
)
def test_a_kind_that_is_no_fault_is_other(said: str, kind: str):
    vote = judgement(object_consistency=aspect(2, 0.8, seen(said)))
    assert verdict_of("object_consistency", vote).defects[0].kind == kind


def test_a_failing_vote_that_names_no_defect_has_its_reason_for_one():
    vote = judgement(geometry_alignment=aspect(2, reason="all lies\nlower"))
    expected = Defect("geometry_alignment", "other", 0.6, "all lies lower")
    assert verdict_of("geometry_alignment", vote).defects == (expected,)
    assert verdict_of("geometry_alignment", judgement(geometry_alignment=aspect(3))).defects == ()


@pytest.mark.parametrize(
    ("answer", "kind", "severity"),
    [("gone", "object_removed", 1.0), ("changed", "redrawn_texture", 0.6)],
)
def test_an_item_that_was_not_kept_fails_object_consistency(answer, kind, severity):
    votes = [
        judgement(("1. a face", answer)),
        judgement(("1 face", answer)),
        judgement(("1", "yes")),
    ]
    verdict = verdict_of("object_consistency", *votes)
    assert (verdict.level, verdict.confidence) == (2, 0.667)
    (defect,) = verdict.defects
    assert (defect.kind, defect.severity, defect.box) == (kind, severity, None)
    assert defect.detail.startswith(f"must be kept and is {answer}: ")
    # The same votes at a lower bound must still fail.
    assert verdict_of("object_consistency", *votes, min_level=2).level == 1


def test_half_of_the_votes_or_doubt_alone_lose_nothing():
    for votes in (
        [("1", "gone"), ("1", "yes")],
        [("1", "cannot_tell")],
        [("1", "gone"), ("2", "gone")],
    ):
        verdict = verdict_of("object_consistency", *(judgement(vote) for vote in votes))
        assert (verdict.level, verdict.defects) == (4, ())


def test_an_item_that_one_vote_answers_twice_counts_once_by_the_graver_answer():
    for answers in (("gone", "yes"), ("yes", "gone")):
        vote = judgement(*(("1", answer) for answer in answers))
        (defect,) = verdict_of("object_consistency", vote).defects
        assert defect.kind == "object_removed"
        assert verdict_of("object_consistency", vote, judgement(), judgement()).level == 4


def test_items_without_a_number_are_matched_by_their_words():
    votes = [judgement(("The  Face", "gone")), judgement(("the face", "changed"))]
    (defect,) = verdict_of("object_consistency", *votes).defects
    assert (defect.kind, defect.detail) == ("object_removed", "must be kept and is gone: The Face")


def test_an_item_that_was_lost_joins_a_located_defect_and_keeps_a_lower_level():
    hole = seen("object_removed", "clear", region(0, 0, 100, 100), "the lamp is missing")
    vote = judgement(("1 lamp", "gone"), object_consistency=aspect(1, 0.9, hole))
    verdict = verdict_of("object_consistency", vote)
    assert (verdict.level, verdict.confidence) == (1, 0.9)
    assert verdict.defects == (
        Defect(
            "object_consistency", "object_removed", 1.0, "the lamp is missing", Box(16, 8, 100, 50)
        ),
    )


@pytest.mark.parametrize("sides", [(500, 0, 500, 10), (600, 0, 500, 10), (0, 9, 10, 3)])
def test_a_region_that_is_empty_or_inside_out_is_an_unknown_place(sides):
    assert pixels_of(region(*sides), BOX) is None
    assert pixels_of(None, BOX) is None


def test_a_place_has_at_least_the_pixels_that_it_touches():
    assert pixels_of(region(0, 0, 1, 1), Box(5, 6, 10, 10)) == Box(5, 6, 1, 1)
    assert pixels_of(region(150, 999, 250, 1000), Box(0, 0, 10, 10)) == Box(1, 9, 2, 1)


# What holds for any votes

thousandths = st.integers(0, 1000)
regions = st.builds(
    Region, left=thousandths, top=thousandths, right=thousandths, bottom=thousandths
)
aspects = st.builds(
    lambda level, confidence, defects: aspect(level, confidence, *defects),
    st.integers(0, 5),
    st.floats(0, 1),
    st.lists(
        st.builds(
            seen,
            st.sampled_from(["hue", "grid", "ringing", "nothing known"]),
            st.sampled_from(["slight", "clear", "gross"]),
            st.none() | regions,
            st.sampled_from(["one", "two"]),
        ),
        max_size=3,
    ),
)
items = st.tuples(
    st.sampled_from(["1 a face", "2. sign", "lamp"]),
    st.sampled_from(["yes", "changed", "gone", "cannot_tell"]),
)
judgements = st.builds(
    lambda kept, answers: judgement(*kept, **answers),
    st.lists(items, max_size=3),
    st.fixed_dictionaries(dict.fromkeys(ASPECTS, aspects)),
)
min_levels = st.integers(1, 5)


@given(st.lists(judgements, min_size=1, max_size=4), min_levels, st.randoms())
def test_the_order_of_votes_changes_nothing(votes, min_level, random):
    shuffled = random.sample(votes, len(votes))
    assert opinion(shuffled, BOX, min_level) == opinion(votes, BOX, min_level)


@given(judgements, min_levels)
def test_one_vote_never_contradicts_itself(vote, min_level):
    assert opinion([vote], BOX, min_level).flip_rate == 0.0


@given(judgements, min_levels)
def test_the_same_vote_thrice_is_that_vote(vote, min_level):
    assert opinion([vote] * 3, BOX, min_level) == opinion([vote], BOX, min_level)


@given(st.lists(judgements, min_size=1, max_size=4), min_levels)
def test_an_opinion_keeps_its_bounds(votes, min_level):
    found = opinion(votes, BOX, min_level)
    assert tuple(verdict.aspect for verdict in found.aspects) == ASPECTS
    assert 0 <= found.flip_rate <= 0.5
    for verdict in found.aspects:
        assert verdict.level is None or 1 <= verdict.level <= 5
        assert 0 <= verdict.confidence <= 1
        if verdict.level is not None and verdict.level < min_level:
            assert verdict.defects
        assert list(verdict.defects) == sorted(verdict.defects, key=lambda d: -d.severity)
        for first, second in itertools.combinations(verdict.defects, 2):
            assert first.kind != second.kind or (first.box and second.box)
        for defect in verdict.defects:
            assert defect.kind in vlm.KINDS | {"other"}
            if defect.box is not None:
                assert BOX.left <= defect.box.left
                assert defect.box.left + defect.box.width <= BOX.left + BOX.width
                assert BOX.top <= defect.box.top
                assert defect.box.top + defect.box.height <= BOX.top + BOX.height
                assert min(defect.box.width, defect.box.height) >= 1


@given(st.lists(judgements, min_size=1, max_size=4))
def test_a_pass_at_a_bound_is_a_pass_at_every_lower_one(votes):
    passes = [
        [v.level is None or v.level >= bound for v in opinion(votes, BOX, bound).aspects]
        for bound in range(2, 6)
    ]
    for lower, higher in itertools.pairwise(passes):
        assert all(low or not high for low, high in zip(lower, higher, strict=True))
