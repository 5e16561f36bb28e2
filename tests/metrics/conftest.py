import pytest

from ggt.weights.imported import import_file


@pytest.fixture
def published_weights(published_niqe, tmp_path, monkeypatch):
    """A weights folder into which everything that metrics need was imported."""
    monkeypatch.setenv("GGT_WEIGHTS_DIR", str(tmp_path / "weights"))
    import_file(published_niqe)
