"""What several tests share: the folders of real photos and of published parameters, where there are any."""

import os
from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"


def _folder(variable: str, default: Path, what: str) -> Path:
    folder = Path(os.environ.get(variable, default))
    if folder.is_dir():
        return folder
    if os.environ.get("CI"):
        pytest.fail(f"{variable}={folder} does not exist: {what}")
    pytest.skip(f"{variable}={folder} does not exist: {what}")


@pytest.fixture(scope="session")
def photos() -> Path:
    """The folder of real photos, with `clean/`, `lq/<category>/` and photos.csv."""
    return _folder("GGT_PHOTOS", SHARED / "photos", "tests on real photos need it")


@pytest.fixture(scope="session")
def published_niqe() -> Path:
    """The published NIQE parameters, modelparameters.mat."""
    folder = _folder("GGT_DATA", SHARED / "data", "tests of NIQE against published values need it")
    return folder / "niqe" / "modelparameters.mat"
