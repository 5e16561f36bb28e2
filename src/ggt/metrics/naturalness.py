"""Naturalness: how far an image lies from clean photos, by the algorithm of NIQE with our own pristine model.

It works on a fresh machine, because the model is fitted by us on free photos and shipped: naturalness.json, made
by `benchmarks/naturalness.py fit`. Its values are not NIQE's and never stand in a column of NIQE.
"""

import functools
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from ggt.metrics import NoReference
from ggt.metrics._scene_statistics import DEFINITION, NUM_FEATURES, PristineModel, distance
from ggt.types import Image

MODEL_FILE = Path(__file__).with_suffix(".json")
MODEL_SHA256 = "1a9ba8bb80fc5efa8671155e36cf2a79d73ecce1f7bdf8cc27ecb698132e447f"


class ModelFile(BaseModel):
    """The shipped model with its origin; `covariance` is the lower triangle, row by row."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_by: str
    photos: tuple[str, ...]
    left_out: str
    num_blocks: int
    mean: tuple[float, ...]
    covariance: tuple[tuple[float, ...], ...]


def naturalness(image: Image) -> float:
    """Return the distance from clean photos, 0 or more, lower is more natural; clean photos lie around 3 to 4.

    Raises:
        NotMeasurableError: fewer than two blocks of 96x96 pixels with structure.
    """
    return distance(image, _pristine())


def model_text(
    model: PristineModel, *, made_by: str, photos: tuple[str, ...], left_out: str, num_blocks: int
) -> str:
    """Write a fitted model as the shipped file's text, ten digits a number."""
    lower = tuple(
        tuple(_rounded(value) for value in row[: index + 1])
        for index, row in enumerate(model.covariance.tolist())
    )
    file = ModelFile(
        made_by=made_by,
        photos=photos,
        left_out=left_out,
        num_blocks=num_blocks,
        mean=tuple(_rounded(value) for value in model.mean.tolist()),
        covariance=lower,
    )
    return file.model_dump_json() + "\n"


def _rounded(value: float) -> float:
    return float(f"{value:.9e}")


@functools.cache
def _pristine() -> PristineModel:
    file = ModelFile.model_validate_json(MODEL_FILE.read_bytes())
    covariance = np.zeros((NUM_FEATURES, NUM_FEATURES))
    covariance[np.tril_indices(NUM_FEATURES)] = np.concatenate(file.covariance)
    covariance += np.tril(covariance, -1).T
    return PristineModel(np.array(file.mean), covariance)


PLUGIN = NoReference(
    score=naturalness,
    definition=f"naturalness:model=ggt-{MODEL_SHA256[:8]};{DEFINITION}",
    higher_is_better=False,
    source="Algorithm: Mittal, Soundararajan, Bovik, IEEE SPL 20(3), 2013; pristine model: ggt's own fit",
)
