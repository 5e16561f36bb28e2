import dataclasses
import hashlib

import pytest

from ggt.errors import MissingWeightsError, StorageError, UsageError
from ggt.weights import imported
from ggt.weights.imported import import_file, imported_path, read_weights, state_of, weights_folder
from ggt.weights.registry import KNOWN, known_file


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    chosen = tmp_path / "weights"
    monkeypatch.setenv("GGT_WEIGHTS_DIR", str(chosen))
    return chosen


def test_every_known_file_says_what_it_is_and_whose():
    for known in KNOWN:
        assert len(known.sha256) == 64
        assert known.address.startswith("https://")
        assert "Copyright" in known.notice
        assert known.purpose
        assert known.licence
        assert known.num_bytes > 0


def test_the_published_file_is_recognised_stored_by_hash_and_read_back(published_niqe, folder):
    known = import_file(published_niqe)
    assert known == known_file("niqe")
    assert len(published_niqe.read_bytes()) == known.num_bytes
    assert imported_path(known) == folder / "fa" / f"{known.sha256}.mat"
    assert read_weights("niqe") == published_niqe.read_bytes()
    assert state_of(known) == "imported"


def test_the_notice_lies_beside_the_copy(published_niqe):
    known = import_file(published_niqe)
    notice = imported_path(known).with_suffix(".notice.txt").read_text()
    published = (published_niqe.parent / "NOTICE.txt").read_text()
    body = published.split("LINE------------")[1].split("-----------COPYRIGHT NOTICE ENDS")[0]
    assert notice.split() == body.split()


def test_importing_twice_changes_nothing(published_niqe):
    known = import_file(published_niqe)
    before = imported_path(known).stat().st_mtime_ns
    import_file(published_niqe)
    assert imported_path(known).stat().st_mtime_ns == before


def test_an_unknown_file_is_refused_with_the_hash_found_and_the_one_expected(tmp_path, folder):
    file = tmp_path / "modelparameters.mat"
    file.write_bytes(b"something else")
    found = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(UsageError) as refusal:
        import_file(file)
    assert found in str(refusal.value)
    assert known_file("niqe").sha256 in str(refusal.value)
    assert not folder.exists()


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no\.mat.*No such file"):
        import_file(tmp_path / "no.mat")
    with pytest.raises(UsageError, match="Is a directory"):
        import_file(tmp_path)


def test_missing_weights_say_where_to_get_them_and_the_command():
    with pytest.raises(MissingWeightsError) as refusal:
        read_weights("niqe")
    for part in ("modelparameters.mat", "https://github.com/utlive/niqe", "ggt weights import"):
        assert part in str(refusal.value)


def test_a_damaged_copy_is_never_used_and_importing_again_repairs_it(published_niqe):
    known = import_file(published_niqe)
    data = bytearray(published_niqe.read_bytes())
    data[4000] ^= 1
    imported_path(known).write_bytes(data)
    assert state_of(known) == "damaged"
    with pytest.raises(MissingWeightsError, match=f"damaged: expected sha256 {known.sha256}"):
        read_weights("niqe")
    import_file(published_niqe)
    assert read_weights("niqe") == published_niqe.read_bytes()


def test_a_folder_that_cannot_be_written_is_named_with_the_variable(
    published_niqe, tmp_path, monkeypatch
):
    in_the_way = tmp_path / "file"
    in_the_way.write_bytes(b"")
    monkeypatch.setenv("GGT_WEIGHTS_DIR", str(in_the_way))
    with pytest.raises(StorageError, match="GGT_WEIGHTS_DIR"):
        import_file(published_niqe)


@pytest.mark.parametrize(
    ("platform", "variable", "expected"),
    [
        ("linux", "XDG_DATA_HOME", "ggt/weights"),
        ("win32", "LOCALAPPDATA", "ggt/weights"),
    ],
)
def test_without_a_choice_the_users_data_folder_is_used(
    tmp_path, monkeypatch, platform, variable, expected
):
    monkeypatch.delenv("GGT_WEIGHTS_DIR")
    monkeypatch.setattr(imported.sys, "platform", platform)
    monkeypatch.setenv(variable, str(tmp_path))
    assert weights_folder() == tmp_path / expected


def test_the_default_folder_on_linux_is_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv("GGT_WEIGHTS_DIR")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(imported.sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert weights_folder() == tmp_path / ".local" / "share" / "ggt" / "weights"


def test_known_files_cannot_be_changed_by_accident():
    with pytest.raises(dataclasses.FrozenInstanceError):
        KNOWN[0].sha256 = "0"  # type: ignore[misc]
