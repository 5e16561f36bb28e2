"""The recipe: every setting of a run in one frozen value, read from TOML, stored with the workspace."""

import difflib
import tomllib
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from ggt.errors import RecipeError
from ggt.settings.base import Settings
from ggt.settings.drift import DriftSettings
from ggt.settings.flags import FlagSettings
from ggt.settings.ingest import IngestSettings
from ggt.settings.lanes import BudgetSettings, LaneSettings, RestoreSettings
from ggt.settings.limits import LimitSettings
from ggt.settings.quality import QualitySettings
from ggt.settings.release import ReleaseSettings


class Recipe(Settings):
    """A table for each stage; what a file leaves out has our default."""

    lanes: tuple[LaneSettings, ...] = (LaneSettings(),)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    restore: RestoreSettings = Field(default_factory=RestoreSettings)
    quality: QualitySettings = Field(default_factory=QualitySettings)
    budget: BudgetSettings = Field(default_factory=BudgetSettings)
    limits: dict[str, LimitSettings] = Field(default_factory=dict[str, LimitSettings])
    flags: FlagSettings = Field(default_factory=FlagSettings)
    drift: DriftSettings = Field(default_factory=DriftSettings)
    release: ReleaseSettings = Field(default_factory=ReleaseSettings)

    def lane_names(self) -> list[tuple[str, str, int]]:
        """List (restorer, prompt, sample) of every lane that an lq gets."""
        return [
            (lane.restorer, lane.prompt_name, sample)
            for lane in self.lanes
            for sample in range(lane.samples)
        ]

    def model_names(self) -> set[str]:
        """Name whatever the recipe asks: restorers, and every vlm that writes prompts, raises flags or judges."""
        asked = {lane.restorer for lane in self.lanes} | {lane.vlm for lane in self.lanes}
        flagging = self.flags.vlm if self.flags.no_upload or self.flags.review else None
        return {name for name in asked | {self.quality.judge.vlm, flagging} if name is not None}


def load_recipe(path: Path) -> Recipe:
    """Read a recipe.

    Raises:
        RecipeError: no TOML, a key that does not exist (says which and suggests one), or a value out of its range.
    """
    try:
        value = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RecipeError(f"cannot read the recipe {str(path)!r}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"{str(path)!r} is not TOML: {error}") from None
    try:
        return Recipe.model_validate(value)
    except ValidationError as error:
        lines = [_explain(details) for details in error.errors()]
        raise RecipeError(f"{str(path)!r}: " + "; ".join(lines)) from None


def changed_tables(old: Recipe, new: Recipe) -> list[str]:
    """Name the tables in which two recipes differ."""
    return [name for name in Recipe.model_fields if getattr(old, name) != getattr(new, name)]


def _explain(details: ErrorDetails) -> str:
    where = ".".join(str(part) for part in details["loc"])
    if details["type"] != "extra_forbidden":
        return f"{where} = {details['input']!r}: {details['msg']}"
    known = _keys_beside(details["loc"])
    nearest = difflib.get_close_matches(str(details["loc"][-1]), known, n=1)
    guess = f", did you mean {nearest[0]!r}?" if nearest else f"; known: {', '.join(known)}"
    return f"{where} is no key of a recipe{guess}"


def _keys_beside(location: tuple[int | str, ...]) -> list[str]:
    """List the keys that the table of a misspelt key does have."""
    model: type[BaseModel] = Recipe
    named_by_user = False
    for part in location[:-1]:
        if isinstance(part, int) or named_by_user:
            named_by_user = False
            continue
        inner = _model_of(model, part)
        if inner is None:
            return []
        named_by_user = str(model.model_fields[part].annotation).startswith("dict")
        model = inner
    return sorted(model.model_fields)


def _model_of(model: type[BaseModel], name: str) -> type[BaseModel] | None:
    field = model.model_fields.get(name)
    if field is None:
        return None
    candidates = (field.annotation, *getattr(field.annotation, "__args__", ()))
    models = [c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)]
    return models[0] if models else None
