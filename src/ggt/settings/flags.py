"""Which photos stay on this machine, and which pairs people must see, by what the photos show."""

from ggt.answers import Flag
from ggt.settings.base import Settings


class FlagSettings(Settings):
    """Flags are faces, text, people, nsfw; whoever writes an adaptive prompt raises them too."""

    no_upload: tuple[Flag, ...] = ()
    """Photos that show any of these are set aside before anything is sent to a third party."""
    review: tuple[Flag, ...] = ()
    """Pairs of photos that show any of these count only once a person has accepted them."""
    vlm: str = "measured"
    """Who looks: a file in vlms/, or a vlm of models.toml that runs on this machine."""
