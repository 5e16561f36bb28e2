"""The example of docs/add-a-report.md works."""

from docs_examples import example_plugin
from ggt.reports import Section
from report_facts import HOSTILE, make_facts


def test_the_example_of_a_section_escapes_and_counts():
    plugin = example_plugin("add-a-report.md")
    assert isinstance(plugin, Section)
    html = plugin.render(make_facts()).html
    assert "needs about 2500 photos" in html
    assert HOSTILE not in html
