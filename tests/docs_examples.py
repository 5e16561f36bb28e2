"""Code in docs/ is run: what the first Python block of a page defines as PLUGIN."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def example_plugin(page: str) -> object:
    """Execute the first Python block of `docs/<page>` and return its PLUGIN."""
    code = re.search(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)
    assert code, f"docs/{page} has no Python block"
    names: dict[str, object] = {}
    exec(code[1], names)
    return names["PLUGIN"]
