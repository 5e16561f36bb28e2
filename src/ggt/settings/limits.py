"""How fast a provider is asked, for each model by its alias; what the recipe leaves out comes from the model's row."""

from pydantic import Field

from ggt.settings.base import Settings


class LimitSettings(Settings):
    """Bounds for one model, over all stages; they hold for its (provider, id), whatever asks."""

    num_under_way: int | None = Field(default=None, ge=1, le=4096)
    """How many sends may be under way at once, never more; None takes `num_under_way` of `[budget]`."""
    start: int | None = Field(default=None, ge=1, le=4096)
    """Begin with so many under way and adapt: more while all is answered, fewer when the provider says it was too much;
    None begins with 4."""
    requests_per_minute: int | None = Field(default=None, ge=1)
    """Requests that may leave within any 60 seconds; None takes what the model's row states, if anything."""
    images_per_minute: int | None = Field(default=None, ge=1)
    """Images that may be asked for within any 60 seconds; None takes what the model's row states, if anything."""
    tokens_per_minute: int | None = Field(default=None, ge=1)
    """Tokens of prompt and pictures that may leave within any 60 seconds; None takes what the model's row states, if
    anything."""
