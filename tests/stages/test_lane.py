"""The table of consequences, line by line and over random histories."""

from hypothesis import given
from hypothesis import strategies as st

from ggt.stages.lane import Tried, accepted_candidate, consequence
from ggt.store.decisions import Decision

OUTCOMES = ("passed", "rejected", "unjudged")


def tried(*outcomes):
    return [Tried(candidate=f"c{n}", outcome=outcome) for n, outcome in enumerate(outcomes)]


def says(candidate, choice):
    return Decision(lq="lq", candidate=candidate, choice=choice, reviewer="ann", at="now")


def after(history, *, refused=False, decisions=(), max_attempts=3):
    return consequence(history, refused=refused, decisions=decisions, max_attempts=max_attempts)


def test_a_new_lane_is_ready():
    assert after([]) == "ready"


def test_a_rejection_leads_to_another_attempt_until_the_last():
    assert after(tried("rejected")) == "ready"
    assert after(tried("rejected", "rejected")) == "ready"
    assert after(tried("rejected", "rejected", "rejected")) == "rejected"


def test_a_refusal_ends_the_lane_without_using_an_attempt():
    assert after([], refused=True) == "refused"
    assert after(tried("rejected"), refused=True) == "refused"


def test_an_unjudged_candidate_waits_for_people():
    assert after(tried("unjudged")) == "review"


def test_a_passing_candidate_passes():
    assert after(tried("rejected", "passed")) == "passed"


def test_regenerate_gives_one_extra_attempt():
    history = tried("rejected", "rejected", "passed")
    again = [says("c2", "regenerate")]
    assert after(history, decisions=again) == "ready"
    assert after([*history, Tried("c3", "rejected")], decisions=again) == "rejected"
    assert after([*history, Tried("c3", "passed")], decisions=again) == "passed"


def test_the_same_pixels_again_after_a_regenerate_go_to_people():
    again = [says("c0", "regenerate")]
    history = [Tried("c0", "passed"), Tried("c0", "passed")]
    assert after(history, decisions=again) == "review"
    assert accepted_candidate(history, decisions=again) is None


def test_what_was_sent_back_is_no_pair_while_it_waits():
    again = [says("c0", "regenerate")]
    assert accepted_candidate(tried("passed"), decisions=again) is None


def test_a_reject_of_an_earlier_candidate_does_not_reach_a_later_one():
    history = tried("passed", "passed")
    assert after(history, decisions=[says("c0", "reject")]) == "passed"


def test_a_person_has_the_last_word():
    history = tried("rejected", "rejected", "rejected")
    assert after(history, decisions=[says("c1", "accept")]) == "passed"
    assert accepted_candidate(history, decisions=[says("c1", "accept")]) == (1, True)
    assert after(tried("passed"), decisions=[says("c0", "reject")]) == "rejected"
    assert (
        after(tried("passed"), decisions=[says("c0", "reject"), says("c0", "accept")]) == "passed"
    )


def test_a_decision_about_other_pixels_changes_nothing():
    assert after(tried("passed"), decisions=[says("elsewhere", "reject")]) == "passed"


choices = st.sampled_from(("accept", "reject", "regenerate"))


@given(
    st.lists(st.sampled_from(OUTCOMES), max_size=6),
    st.lists(st.tuples(st.integers(0, 7), choices), max_size=8),
    st.booleans(),
    st.integers(1, 4),
)
def test_over_random_histories_people_win_and_nothing_passes_by_itself_unless_it_passed(
    outcomes, said, refused, max_attempts
):
    history = tried(*outcomes)
    decisions = [says(f"c{n}", choice) for n, choice in said]
    state = after(history, refused=refused, decisions=decisions, max_attempts=max_attempts)
    last_said = {decision.candidate: decision.choice for decision in decisions}
    final = [last_said.get(attempt.candidate) for attempt in history]
    if state == "passed":
        found = accepted_candidate(history, decisions=decisions)
        assert found is not None
        index, by_person = found
        assert by_person == (final[index] == "accept")
        assert by_person or outcomes[index] == "passed"
        assert final[index] != "reject"
    if "accept" in final:
        assert state == "passed"
    if state == "ready":
        assert len(history) < max_attempts + final.count("regenerate")
        assert not refused
    if history and outcomes[-1] == "unjudged" and state == "passed":
        assert "accept" in final


@given(st.lists(st.sampled_from(OUTCOMES), min_size=1, max_size=12), st.integers(1, 4))
def test_a_lane_left_to_itself_ends_after_at_most_its_attempts(stream, max_attempts):
    history = []
    for outcome in stream:
        if after(history, max_attempts=max_attempts) != "ready":
            break
        history.append(Tried(f"c{len(history)}", outcome))
    assert len(history) <= max_attempts
