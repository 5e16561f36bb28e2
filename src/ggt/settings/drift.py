"""How a build notices that a provider changed in the middle of it; every number is ours."""

from pydantic import Field

from ggt.settings.base import Settings


class DriftSettings(Settings):
    """Every mfm restores canaries, photos of known truth, again and again; a vlm that judges is asked about sentinels.

    Sentinels are pairs whose verdict is known.
    """

    share: float = Field(default=0.005, ge=0, le=0.5)
    """Canary and sentinel calls among all calls of a model; 0 switches both off."""
    num_first: int = Field(default=4, ge=2, le=64)
    """Rounds at a build's beginning that say what is usual."""
    num_last: int = Field(default=4, ge=2, le=64)
    """Latest rounds that are compared with them."""
    max_psnr_db: float = Field(default=2.0, gt=0)
    """How far the canaries' mean PSNR against their truths may move, beyond twice its standard error."""
    max_detection: float = Field(default=0.25, gt=0, le=1)
    """How far the share of sentinels that are judged rightly may move, beyond twice its standard error."""
