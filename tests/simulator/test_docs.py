"""The page on the simulated provider names every fault, says truly what is billed, and its example can be used."""

import re
from pathlib import Path

from ggt.simulator.behaviour import FAULTS, Behaviour, changed

PAGE = (
    Path(__file__).parents[2].joinpath("docs", "simulated-provider.md").read_text(encoding="utf-8")
)


def test_every_fault_is_described_with_what_it_costs():
    described = {}
    for row in re.findall(r"^\| (`.*)\|$", PAGE, re.MULTILINE):
        cells = [cell.strip() for cell in row.split("|")]
        if cells[-1] in ("yes", "no"):
            described |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[-1])
    assert described == {name: "yes" if fault.billed else "no" for name, fault in FAULTS.items()}


def test_the_example_of_a_behaviour_can_be_used():
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    behaviour = changed(Behaviour(), toml)
    assert behaviour.faults == {"rate_limit_minute": 0.05, "cut_body": 0.01}
    assert set(re.findall(r"^(\w+) =|^\[(\w+)\]", toml, re.MULTILINE)) >= {("restorer", "")}
    fields = {
        key or table for key, table in re.findall(r"^(?:(\w+) =|\[(\w+)\])", toml, re.MULTILINE)
    }
    assert set(Behaviour.model_fields) <= fields
