"""Which lanes each lq gets, how often each is tried, and what asking may cost."""

from typing import Literal

from pydantic import Field

from ggt.settings.base import Settings


class LaneSettings(Settings):
    """One line of candidates for each lq."""

    restorer: str = "classical"
    """The name of a file in restorers/."""
    prompt: str = "fixed"
    """The name of a file in prompts/."""
    samples: int = Field(default=1, ge=1, le=64)
    """How many independent samples, each a lane of its own."""


class RestoreSettings(Settings):
    """How often a lane is tried."""

    max_attempts: int = Field(default=3, ge=1, le=10)
    """Attempts in all, the first one included; the paper says "up to 3" and not whether that includes the first."""
    num_resends: int = Field(default=1, ge=0, le=10)
    """How often a refused, empty or unusable reply is sent again within one attempt; ours."""
    seed: int = Field(default=0, ge=0)
    """The seed of everything random in restorers that run here."""


class BudgetSettings(Settings):
    """Money: a bound that no send may pass, and what to do about sends that may have been billed."""

    usd: float | None = Field(default=None, ge=0)
    """Hard stop in US dollars over the life of the workspace, sends in doubt included; None means no bound."""
    in_doubt: Literal["hold", "retry"] = "hold"
    """`hold` never repeats a send that may have been billed; `retry` repeats it within the allowance."""
    in_doubt_allowance_usd: float = Field(default=0.0, ge=0)
    """The sum of worst cases that `retry` may pay twice, in US dollars."""
    num_under_way: int = Field(default=64, ge=1, le=4096)
    """How many sends may be under way at once for each (provider, model)."""
