"""The photos inside scikit-image's package that are free by a line of their own: found where it is installed."""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ggt.errors import MissingExtraError
from ggt.sources import Source
from ggt.types import Photo

CC0 = "CC0-1.0"
PUBLIC_DOMAIN = "public domain"
RELEASED = "scikit-image (bundled)"


@dataclass(frozen=True, slots=True)
class _Bundled:
    file: str
    author: str
    licence: str
    url: str


PHOTOS = (
    _Bundled("astronaut.png", "NASA", PUBLIC_DOMAIN, "https://flic.kr/p/r9qvLn"),
    _Bundled("brick.png", "CC0Textures", CC0, "https://cc0textures.com/view.php?tex=Bricks25"),
    _Bundled(
        "camera.png",
        "Lav Varshney",
        CC0,
        "https://github.com/scikit-image/scikit-image/issues/3927",
    ),
    _Bundled(
        "chelsea.png",
        "Stefan van der Walt",
        CC0,
        "https://scikit-image.org/docs/stable/api/skimage.data.html",
    ),
    _Bundled(
        "coffee.png",
        "Rachel Michetti",
        CC0,
        "https://scikit-image.org/docs/stable/api/skimage.data.html",
    ),
    _Bundled(
        "grass.png",
        "linolafett",
        CC0,
        "https://www.deviantart.com/linolafett/art/Grass-01-434853879",
    ),
    _Bundled("gravel.png", "CC0Textures", CC0, "https://cc0textures.com/view.php?tex=Gravel04"),
    _Bundled(
        "hubble_deep_field.jpg",
        "NASA",
        PUBLIC_DOMAIN,
        "http://hubblesite.org/newscenter/archive/releases/2012/37/image/a/",
    ),
    _Bundled(
        "retina.jpg",
        "Mikael Häggström",
        CC0,
        "https://commons.wikimedia.org/wiki/File:Fundus_photograph_of_normal_left_eye.jpg",
    ),
    _Bundled(
        "rocket.jpg",
        "SpaceX",
        PUBLIC_DOMAIN,
        "https://www.flickr.com/photos/spacexphotos/16511594820/in/photostream/",
    ),
)
"""Those of `skimage.data` whose docstring states a licence or a release into the public domain (version 0.26)."""


def bundled_folder() -> Path:
    """Return the folder inside the installed scikit-image that holds the photos; nothing is imported.

    Raises:
        MissingExtraError: scikit-image is not installed.
    """
    found = importlib.util.find_spec("skimage")
    if found is None or found.origin is None:
        raise MissingExtraError(
            "scikit-image, whose photos the demo uses, is not installed: pip install scikit-image"
        )
    return Path(found.origin).parent / "data"


def find(root: Path) -> Iterator[Photo]:
    """Yield the free photos that lie in `root`, which is `bundled_folder()`, sorted by name."""
    for photo in PHOTOS:
        if (root / photo.file).is_file():
            yield Photo(
                path=photo.file,
                source=RELEASED,
                author=photo.author,
                licence=photo.licence,
                url=photo.url,
                scene=Path(photo.file).stem,
            )


PLUGIN = Source(
    find=find,
    source="scikit-image 0.26, skimage.data: licences are stated in the functions' docstrings",
)
