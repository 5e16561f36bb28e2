"""Measured: describes an lq by image measurements alone, offline and free; it cannot tell what a photo shows.

It names the category's degradation, noise, blur and blocks by their strength, finds large frontal faces and evenly
printed text, and misses many of both (`ggt.measure.faces` and `ggt.measure.lettering` say how many): a flag that stays
down says little. `people` is raised with `faces`; people seen small or from behind are not found. All bounds and
sentences are ours.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ggt.answers import Description, MustKeep, Region
from ggt.images import luma
from ggt.measure.faces import find_faces
from ggt.measure.lettering import written_places
from ggt.measure.severity import severity
from ggt.types import Box, Category, Defect, Measurements
from ggt.vlms import LocalVlm, Sight

_STRENGTHS = ("slight", "clear", "strong")
_CATEGORIES: Mapping[Category, tuple[str, str]] = {
    "rain": ("rain", "remove the rain streaks, drops and mist"),
    "haze": ("haze or fog", "remove the haze and restore natural contrast and colour"),
    "snow": ("falling snow", "remove the falling snow, not snow that lies on things"),
    "lowlight": ("missing light", "brighten the picture to a natural exposure"),
    "old": ("age", "repair scratches, cracks, stains and fading"),
}
"""What spoils a photo of each category and what to do about it; `general` has nothing of its own."""
_FIDELITY = (
    "Keep the same framing, geometry, objects, faces, text and colours; add nothing, and leave detail that cannot be "
    "recovered as it is."
)
_MOST_PLACES = 4
"""Of faces and of text each, largest first."""
_MOST_DEFECTS = 3


@dataclass(frozen=True, slots=True)
class _Sign:
    """A degradation that a photo of any category may have: slight, clear and strong from these bounds on."""

    name: str
    measure: Callable[[Measurements], float]
    bounds: tuple[float, float, float]

    def strength(self, measured: Measurements) -> str | None:
        """Say how strong it is in a word; None where it is not worth one."""
        reached = sum(self.measure(measured) >= bound for bound in self.bounds)
        return _STRENGTHS[reached - 1] if reached else None


_SIGNS = (
    _Sign("noise", lambda measured: measured.noise_sigma, (3.5, 8.0, 16.0)),
    _Sign("blur", lambda measured: measured.blur_px, (1.6, 2.6, 4.0)),
    _Sign("compression blocks", lambda measured: measured.blockiness, (0.35, 0.7, 1.1)),
)


def describe(sight: Sight) -> Description:
    """Describe an lq; `scene` is empty, since measurements cannot tell what is shown."""
    found = _degradations(sight)
    faces = find_faces(sight.lq)[:_MOST_PLACES]
    written = written_places(luma(sight.lq))[:_MOST_PLACES]
    height, width = sight.lq.shape[:2]
    must_keep = [
        MustKeep(what=what, where=_region(box, width=width, height=height))
        for what, boxes in (("a face", faces), ("lettering", written))
        for box in boxes
    ]
    return Description(
        degradations=tuple(name for name, _ in found),
        scene="",
        must_keep=tuple(must_keep),
        faces=bool(faces),
        text=bool(written),
        people=bool(faces),
        nsfw=False,
        prompt=_prompt([remedy for _, remedy in found], sight.defects),
    )


def _degradations(sight: Sight) -> list[tuple[str, str]]:
    """Name each degradation with its strength, and what to do about it; the category's own comes first."""
    found: list[tuple[str, str]] = []
    if sight.category in _CATEGORIES:
        name, remedy = _CATEGORIES[sight.category]
        degree = severity(sight.measurements, sight.category)
        word = _STRENGTHS[min(2, int(3 * degree))]
        found.append((f"{word} {name}", remedy))
    for sign in _SIGNS:
        word = sign.strength(sight.measurements)
        if word is not None:
            found.append((f"{word} {sign.name}", f"remove the {word} {sign.name}"))
    return found


def _prompt(remedies: list[str], defects: tuple[Defect, ...]) -> str:
    tasks = remedies or ["remove what little blur, noise and compression artefacts there are"]
    listed = " and ".join([", ".join(tasks[:-1]), tasks[-1]] if len(tasks) > 1 else tasks)
    sentences = [f"Restore this photo: {listed}.", _FIDELITY]
    kinds = dict.fromkeys(defect.kind.replace("_", " ") for defect in defects)
    if kinds:
        named = ", ".join(list(kinds)[:_MOST_DEFECTS])
        sentences.append(f"A result with these faults would be turned down: {named}.")
    return " ".join(sentences)


def _region(box: Box, *, width: int, height: int) -> Region:
    return Region(
        left=1000 * box.left // width,
        top=1000 * box.top // height,
        right=min(1000, -(-1000 * (box.left + box.width) // width)),
        bottom=min(1000, -(-1000 * (box.top + box.height) // height)),
    )


PLUGIN = LocalVlm(
    describe=describe,
    model="measured-1",
    sees=frozenset({"faces", "people", "text"}),
    source="Faces: Zhang et al. 2007, as in scikit-image; lettering: Ye and Doermann 2015; bounds and sentences: ours",
)
