"""What a pair must show before it is released, and how a release is cut into files."""

from pydantic import Field

from ggt.settings.base import Settings
from ggt.types import Assurance


class ReleaseSettings(Settings):
    """The gate of `ggt release` and the sizes of its files."""

    assurance: Assurance = "measured"
    """The weakest way in which a pair may have been accepted: measured < judged < reviewed < audited; ours."""
    allow_unknown_licence: bool = False
    """Whether photos whose licence nobody stated may be released."""
    pairs_per_row_group: int = Field(default=50, ge=1, le=1000)
    """Pairs in one Parquet row group: a viewer reads whole groups and gives up above some 286 MB; ours."""
    shard_mb: int = Field(default=400, ge=1, le=20_000)
    """A Parquet or tar file is closed once it holds this many megabytes of pictures; ours."""
