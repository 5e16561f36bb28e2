import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from ggt.errors import NotMeasurableError
from ggt.metrics import naturalness as module
from ggt.metrics.naturalness import naturalness


def read(path: Path, side: int = 480):
    return np.ascontiguousarray(cv2.imread(str(path))[:side, :side, ::-1])


UNSEEN = ("clean_01.jpg", "clean_03.jpg", "clean_05.jpg", "clean_09.jpg")
"""Clean photos that are not among those of the fit."""


def test_the_definition_names_the_shipped_model():
    digest = hashlib.sha256(module.MODEL_FILE.read_bytes()).hexdigest()
    assert digest == module.MODEL_SHA256
    assert digest[:8] in module.PLUGIN.definition


def test_the_shipped_model_is_a_covariance_of_full_rank():
    covariance = module._pristine().covariance
    assert np.array_equal(covariance, covariance.T)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_writing_and_reading_a_model_changes_nothing():
    model = module._pristine()
    shipped = module.ModelFile.model_validate_json(module.MODEL_FILE.read_bytes())
    text = module.model_text(
        model,
        made_by=shipped.made_by,
        photos=shipped.photos,
        left_out=shipped.left_out,
        num_blocks=shipped.num_blocks,
    )
    assert text == module.MODEL_FILE.read_text()


def test_no_photo_of_the_test_of_ranking_was_in_the_fit():
    shipped = module.ModelFile.model_validate_json(module.MODEL_FILE.read_bytes())
    assert not set(UNSEEN) & set(shipped.photos)


@pytest.mark.parametrize("name", UNSEEN)
def test_an_unseen_clean_photo_ranks_above_its_blurred_and_noisy_versions(photos, name):
    image = read(photos / "clean" / name)
    noise = np.random.default_rng(0).normal(0, 15, image.shape)
    noisy = np.clip(image + noise, 0, 255).astype(np.uint8)
    assert naturalness(image) < naturalness(cv2.GaussianBlur(image, (0, 0), 2))
    assert naturalness(image) < naturalness(noisy)


def test_each_step_of_blur_scores_worse(photos):
    image = read(photos / "clean" / "kodak_13.png")
    scores = [naturalness(cv2.GaussianBlur(image, (0, 0), sigma)) for sigma in (1, 2, 3, 4)]
    assert [naturalness(image), *scores] == sorted([naturalness(image), *scores])


def test_a_flat_image_is_refused_as_flat():
    with pytest.raises(NotMeasurableError, match=r"300x200: .* 0 of its 6 have structure.*flat"):
        naturalness(np.full((200, 300, 3), 255, np.uint8))


def test_an_image_below_one_block_is_refused_with_its_size():
    with pytest.raises(NotMeasurableError, match=r"95x400: not one block of 96x96"):
        naturalness(np.zeros((400, 95, 3), np.uint8))
