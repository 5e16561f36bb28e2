"""The page's templates: every text is escaped, and a field that nobody filled is an error."""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).parent


def render_template(name: str, fields: Mapping[str, object]) -> str:
    """Fill a file of templates/."""
    environment = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(fields)


def asset(name: str) -> bytes:
    """Read a file of assets/."""
    return (FOLDER / "assets" / name).read_bytes()
