import pytest


@pytest.fixture
def published_weights():
    """Nothing to import yet."""
