"""Small builds for tests: degraded photos with known truth, a recipe for small sides, a workspace made of them."""

from pathlib import Path

import cv2
import numpy as np

from ggt.images import encode_png, read_image
from ggt.settings.ingest import IngestSettings
from ggt.settings.lanes import LaneSettings
from ggt.settings.quality import AlignSettings, QualitySettings
from ggt.settings.recipe import Recipe
from ggt.sources.bundled import bundled_folder
from ggt.stages.degrade import degrade_image
from ggt.stages.prepare import BuildRequest
from ggt.store.decisions import Choice, Decision, Decisions, now
from ggt.store.workspace import open_readonly
from ggt.types import Photo

SIDE = 256
NAMES = {"astronaut": "noise", "coffee": "haze", "chelsea": "defocus", "rocket": "lowlight"}


def small_recipe(restorer: str = "simulated", **tables) -> Recipe:
    """A recipe whose lqs are small, so that a build takes seconds."""
    return Recipe(
        lanes=(LaneSettings(restorer=restorer),),
        ingest=IngestSettings(side=SIDE, set_aside_clean=False),
        quality=QualitySettings(align=AlignSettings(min_side=192)),
        **tables,
    )


def write_photos(folder: Path, names=tuple(NAMES)) -> Path:
    """Write degraded squares of bundled photos, their truths beside them, and a sidecar; returns the photos' folder."""
    photos, truths = folder / "photos", folder / "truths"
    photos.mkdir(parents=True)
    truths.mkdir()
    lines = ["file,category,source,author,licence,truth"]
    for name in names:
        path = next(bundled_folder().glob(f"{name}.*"))
        image = read_image(path).image
        side = min(image.shape[:2])
        square = cv2.resize(image[:side, :side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        degraded = degrade_image(square, kind=NAMES[name], strength=0.5, seed=1).image
        (photos / f"{name}.png").write_bytes(encode_png(np.ascontiguousarray(degraded)))
        (truths / f"{name}.png").write_bytes(encode_png(square))
        lines.append(f"{name}.png,general,scikit-image,somebody,CC0-1.0,../truths/{name}.png")
    (photos / "photos.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return photos


def request(photos: Path, out: Path, recipe: Recipe | None = None, **options) -> BuildRequest:
    """A build of one process."""
    return BuildRequest(
        folder=photos,
        out=out,
        recipe=recipe or small_recipe(),
        stated=Photo(path=""),
        num_processes=1,
        **options,
    )


def decide(workspace: Path, choice: Choice, *, num_lqs: int | None = None) -> None:
    """Let one person decide the same about every candidate of all lqs, or of the first few by pixel hash."""
    with open_readonly(workspace) as reading:
        rows = reading.ledger.execute(
            "SELECT lq.pixel_hash, attempt.pixel_hash FROM attempt JOIN lane ON lane.id = "
            "attempt.lane JOIN lq ON lq.id = lane.lq ORDER BY 1, attempt.id"
        ).fetchall()
        store = Decisions(reading.layout.decisions)
    chosen = sorted({lq for lq, _ in rows})[:num_lqs]
    store.add(
        Decision(lq, candidate, choice, "Ann Smith", now())
        for lq, candidate in rows
        if lq in chosen
    )
    store.close()
