"""NIQE with the parameters that its authors published, which the user imports."""

import functools
import io

import numpy as np
from scipy.io import loadmat

from ggt.metrics import NoReference
from ggt.metrics._scene_statistics import DEFINITION, NUM_FEATURES, PristineModel, distance
from ggt.types import Image
from ggt.weights.imported import read_weights
from ggt.weights.registry import known_file

WEIGHTS = "niqe"


def niqe(image: Image) -> float:
    """Return NIQE, 0 or more, lower is better; clean photos lie around 2 to 5.

    Raises:
        MissingWeightsError: the published parameters were not imported yet.
        NotMeasurableError: fewer than two blocks of 96x96 pixels with structure.
    """
    return distance(image, _pristine(read_weights(WEIGHTS)))


@functools.lru_cache(maxsize=1)
def _pristine(data: bytes) -> PristineModel:
    file = io.BytesIO(data)
    parameters = loadmat(file)  # pyright: ignore[reportArgumentType]  # the stubs know paths only
    return PristineModel(
        mean=np.asarray(parameters["mu_prisparam"], np.float64).reshape(NUM_FEATURES),
        covariance=np.asarray(parameters["cov_prisparam"], np.float64),
    )


PLUGIN = NoReference(
    score=niqe,
    definition=f"niqe:model=published-{known_file(WEIGHTS).sha256[:8]};{DEFINITION}",
    higher_is_better=False,
    source="Mittal, Soundararajan, Bovik, 'Making a completely blind image quality analyzer', IEEE SPL 20(3), 2013",
    weights=WEIGHTS,
)
