import re

import pytest

from ggt import plugins
from ggt.reports import ReportFacts, Section
from report_facts import HOSTILE, make_facts

SECTIONS = plugins.names("reports")
NOTHING = ReportFacts(
    name="empty",
    num_lqs=0,
    num_pairs=0,
    num_rejected=0,
    num_waiting=0,
    any_not_ground_truth=False,
    steps=(),
    survival=(),
    pairs=(),
    failures=(),
    scores=(),
)


def section(name):
    return plugins.load("reports", name, Section)


@pytest.mark.parametrize("name", SECTIONS)
def test_every_section_says_whose_question_it_answers(name):
    assert section(name).source
    assert section(name).title


def test_no_two_sections_claim_one_place():
    positions = [section(name).position for name in SECTIONS]
    assert len(set(positions)) == len(positions)


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_without_anything_to_tell_says_so(name):
    rendered = section(name).render(NOTHING)
    assert 'class="empty"' in rendered.html
    assert not rendered.files


@pytest.mark.parametrize("name", SECTIONS)
def test_the_same_facts_give_the_same_bytes(name):
    assert section(name).render(make_facts()) == section(name).render(make_facts())


@pytest.mark.parametrize("name", SECTIONS)
def test_every_text_is_escaped(name):
    html = section(name).render(make_facts()).html
    assert HOSTILE not in html
    assert "<img src=x" not in html
    assert "<script" not in html


@pytest.mark.parametrize("name", SECTIONS)
def test_no_section_needs_styles_or_handlers_that_the_page_forbids(name):
    html = section(name).render(make_facts()).html
    assert not re.search(r"\s(style|on\w+)=[\"'](?!x)", re.sub(r"alt=\"[^\"]*\"", "", html))
    assert not re.search(r"(src|href)=\"(https?:|//)", html)


def test_the_stamp_stands_on_every_figure_that_is_no_ground_truth():
    facts = make_facts()
    for name in ("pairs", "failures"):
        html = section(name).render(facts).html
        figures = [*facts.pairs] if name == "pairs" else [f.figure for f in facts.failures]
        expected = sum(not figure.ground_truth for figure in figures)
        assert html.count('<span class="stamp">not-ground-truth</span>') == expected > 0


def test_failures_stand_under_the_aspect_of_their_gravest_defect():
    html = section("failures").render(make_facts()).html
    assert html.index("<h3>colour consistency</h3>") < html.index("<b>hue</b>")
    assert html.index("without a located defect") < html.index("<b>rejected by a person</b>")


def test_a_plot_shows_both_fates_and_names_its_score():
    rendered = section("scores").render(make_facts())
    assert list(rendered.files) == ["figures/score-00.svg", "figures/score-01.svg"]
    svg = rendered.files["figures/score-01.svg"].decode()
    assert "#1f6f6b" in svg
    assert "#b4532a" in svg
    assert "<dc:date>" not in svg


def test_dollars_a_pair_are_told_and_a_share_without_pairs_has_none():
    html = section("spending").render(make_facts()).html
    rows = re.findall(r"<tr><th scope=\"row\">(.*?)</th>(.*?)</tr>", html)
    cells = [re.findall(r">([^<]*)</td>", row) for _, row in rows]
    assert cells == [["1.50", "2", "0.750"], ["1.25", "2", "0.625"], ["0.25", "0", "–"]]
    assert "Nothing was sent" in section("spending").render(NOTHING).html
