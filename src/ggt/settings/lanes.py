"""Which lanes each lq gets, how often each is tried, and what asking may cost."""

from typing import Literal

from pydantic import Field

from ggt.settings.base import Settings

ASKING = ":"
"""Between a prompt strategy and the vlm that it asks, in the name of a lane."""


class LaneSettings(Settings):
    """One line of candidates for each lq."""

    restorer: str = "classical"
    """The name of a file in restorers/, or of an mfm in models.toml."""
    prompt: str = "fixed"
    """The name of a file in prompts/."""
    vlm: str | None = None
    """Who writes the prompt, where the strategy asks: a vlm of models.toml, or a file in vlms/."""
    samples: int = Field(default=1, ge=1, le=64)
    """How many independent samples, each a lane of its own."""

    @property
    def prompt_name(self) -> str:
        """The strategy and who it asks: two vlms under one strategy make two lanes."""
        return self.prompt if self.vlm is None else f"{self.prompt}{ASKING}{self.vlm}"


def split_prompt_name(name: str) -> tuple[str, str | None]:
    """Take a lane's prompt name apart: the strategy, and the vlm that it asks, if any."""
    strategy, _, vlm = name.partition(ASKING)
    return strategy, vlm or None


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
