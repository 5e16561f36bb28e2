from dataclasses import replace

import numpy as np
import pytest

from ggt.errors import GgtError
from ggt.formats import Format
from ggt.images import decode_image
from ggt.plugins import load
from ggt.stages.release.entries import enter
from ggt.stages.release.losers import comparable_losers, lost_aspects, make_preferences, num_unlike
from ggt.stages.release.samples import make_sample
from ggt.stages.release.split import divide
from ggt.stages.release.write import Gate, NothingToReleaseError, fit
from ggt.types import ASPECTS, TRUST_CELLS, AspectVerdict, Box, Defect, Rival
from synthetic_pairs import SIDE, Blobs, make_loser, make_pair, scene, worse


def test_a_loser_of_another_size_or_without_a_common_crop_is_skipped_and_counted():
    blobs = Blobs()
    losers = (
        make_loser(1, blobs),
        make_loser(1, blobs, blob="other size", alike=False),
        make_loser(1, blobs, blob="nothing left", box=Box(0, 0, 12, 80)),
    )
    pair = make_pair(1, blobs, losers=losers, box=Box(8, 0, 64, 72))
    assert [one.loser for one in comparable_losers(pair)] == [losers[0]]
    assert num_unlike(pair) == 2
    (entry,) = enter([pair])
    assert (entry.num_losers, entry.num_unlike) == (1, 2)


def test_the_same_file_stands_beside_a_pair_once_and_never_beside_itself():
    blobs = Blobs()
    pair = make_pair(1, blobs)
    same = make_loser(1, blobs, blob=pair.hq_blob)
    pair = replace(pair, losers=(same, make_loser(1, blobs), make_loser(1, blobs, attempt=2)))
    (one,) = comparable_losers(pair)
    assert (one.loser.attempt, num_unlike(pair)) == (1, 0)


def test_defects_outside_of_the_crop_are_left_out():
    blobs = Blobs()
    inside = Defect("object_consistency", "object_added", 0.5, "there", Box(0, 0, 24, 16))
    outside = Defect("object_consistency", "object_added", 0.5, "there", Box(0, 0, 8, 16))
    whole = Defect("restoration_quality", "oversmoothing", 0.4, "all over")
    aspects = (AspectVerdict("object_consistency", 2, 0.9, (inside, outside, whole)),)
    pair = make_pair(1, blobs, losers=(make_loser(1, blobs, aspects=aspects),))
    (sample,) = make_preferences(pair, blobs.read)
    assert sample.lost.defects == (replace(inside, box=Box(0, 0, 16, 16)), whole)


def test_an_aspect_is_lost_when_worse_than_the_targets_or_marked_by_a_person():
    chosen = tuple(
        AspectVerdict(aspect, level, 1.0)
        for aspect, level in zip(ASPECTS, (5, 3, None, None, 4), strict=True)
    )
    rejected = tuple(
        AspectVerdict(aspect, level, 1.0)
        for aspect, level in zip(ASPECTS, (4, 3, 2, 3, 5), strict=True)
    )
    loser = make_loser(1, Blobs(), aspects=rejected, marked=("colour_consistency", "hue"))
    assert list(lost_aspects(chosen, loser)) == [
        "restoration_quality",
        "geometry_alignment",
        "colour_consistency",
    ]


def test_a_candidate_of_another_size_than_was_assessed_is_a_damaged_workspace():
    blobs = Blobs()
    small = make_loser(1, blobs, blob=blobs.add(scene(1, side=64)))
    with pytest.raises(GgtError, match="a candidate of 64x64 was assessed"):
        list(make_preferences(make_pair(1, blobs, losers=(small,)), blobs.read))


def test_a_preferences_release_without_any_loser_is_an_error_that_says_so():
    blobs = Blobs()
    entries = tuple(enter([make_pair(n, blobs, losers=()) for n in range(3)]))
    division = divide(entries, num_test=0)
    passed = Gate(entries, {})
    assert fit(passed, division, load("formats", "parquet", Format)) == (passed, division)
    with pytest.raises(NothingToReleaseError, match="beside none of the 3 pairs stands") as caught:
        fit(passed, division, load("formats", "preferences", Format))
    assert caught.value.exit_code == 1


def test_pairs_without_a_loser_are_counted_as_barred():
    blobs = Blobs()
    entries = tuple(enter([make_pair(n, blobs, losers=None if n else ()) for n in range(3)]))
    division = divide(entries, num_test=0)
    passed, narrowed = fit(
        Gate(entries, {"x": 1}), division, load("formats", "preferences", Format)
    )
    assert passed.barred == {"x": 1, "no_losing_candidate": 1}
    assert narrowed.train == {entry.id for entry in passed.entries} == {e.id for e in entries[1:]}


def test_trust_falls_where_a_rival_shows_something_else():
    blobs = Blobs()
    other = scene(1).copy()
    other[:16] = scene(2)[:16]
    whole = Box(0, 0, SIDE, SIDE)
    astray = Rival(blobs.add(other), whole, (0, 0), "dauber", 1)
    like = Rival(blobs.add(scene(1)), whole, (0, 0), "dauber", 1)
    alone = make_sample(make_pair(1, blobs, box=whole), blobs.read).row.trust_map
    agreed = make_sample(make_pair(1, blobs, box=whole, rivals=(like,)), blobs.read).row.trust_map
    apart = make_sample(make_pair(1, blobs, box=whole, rivals=(astray,)), blobs.read).row.trust_map
    assert alone == agreed == tuple((1.0,) * TRUST_CELLS for _ in range(TRUST_CELLS))
    assert np.array(apart)[:3].max() < 0.7
    assert np.median(np.array(apart)[:3]) < 0.1
    assert np.array(apart)[6:].min() > 0.98


def test_a_rival_is_compared_where_its_correction_says():
    blobs = Blobs()
    moved = np.roll(scene(1), (-8, 16), axis=(0, 1))
    rival = Rival(blobs.add(moved), Box(0, 8, 64, 72), (16, -8), "dauber", 1)
    pair = make_pair(1, blobs, box=Box(0, 0, SIDE, SIDE), rivals=(rival,))
    assert np.min(make_sample(pair, blobs.read).row.trust_map) == 1.0


def test_a_pair_without_a_trust_map_gets_none_from_its_rivals():
    blobs = Blobs()
    rival = Rival(blobs.add(worse(1)), Box(0, 0, SIDE, SIDE), (0, 0), "dauber", 1)
    pair = make_pair(1, blobs, rivals=(rival,))
    bare = replace(pair, assessment=replace(pair.assessment, trust_map=None))
    assert make_sample(bare, blobs.read).row.trust_map is None


def test_the_pictures_of_a_preference_are_those_of_the_pair():
    blobs = Blobs()
    pair = make_pair(1, blobs)
    (sample,) = make_preferences(pair, blobs.read)
    plain = make_sample(pair, blobs.read)
    for one, other in ((sample.lq_png, plain.lq_png), (sample.gt_png, plain.gt_png)):
        np.testing.assert_array_equal(decode_image(one).image, decode_image(other).image)
