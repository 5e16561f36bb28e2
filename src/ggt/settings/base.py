"""What all settings share: frozen, and a misspelt key is an error."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Settings of one stage, read from the recipe's table of the same name."""

    model_config = ConfigDict(frozen=True, extra="forbid")
