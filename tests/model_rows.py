"""Rows of models.toml for tests: everything that a test does not care about has a plain value."""

from ggt.models import Model

PRICE = {"as_of": "2026-11-01", "source": "a test", "per_image_usd": 0.04}
TERMS = {"as_of": "2026-11-01", "source": "a test", "may_train": "yes", "note": "a test"}


def row(**changes) -> Model:
    """A model row of a made-up model with some fields changed."""
    value = {
        "kind": "mfm",
        "title": "Test model",
        "provider": "openai",
        "id": "test-model-1",
        "open_weights": False,
        "choice": "ours",
        "licence": "closed",
        "watermark": "none",
        "terms": TERMS,
        "price": PRICE,
        "key_variable": "GGT_TEST_KEY",
        "timeout_s": 5.0,
    }
    return Model.model_validate(value | changes)
