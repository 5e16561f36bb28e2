import re
from pathlib import Path

import pytest

from ggt.errors import UsageError
from ggt.sources._sidecar import read_sidecar


def refused(tmp_path: Path, content: bytes) -> str:
    path = tmp_path / "any.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_sidecar(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_misspelt_category_names_row_and_column_and_suggests(tmp_path):
    message = refused(tmp_path, b"file,category\na.jpg,haze\nb.jpg,lowligth\n")
    assert (
        "row 3, column 'category': 'lowligth' is no category. Did you mean 'lowlight'?" in message
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "has no column 'file' (found: nothing)"),
        (b"path,licence\na.jpg,CC0\n", "row 1 has no column 'file' (found: path, licence)"),
        (b"file,licence,license\n", "row 1 has the column 'licence' more than once"),
        (b"file\na.jpg\n\nb.jpg\na.jpg\n", "row 5, column 'file': 'a.jpg' stands in row 2 already"),
        (b"file,licence\n,CC0\n", "row 2, column 'file': the cell is empty"),
        (b"file,author\na.jpg,Doe, Jane\n", "row 2 has 3 cells and the header 2: put cells"),
        (b'file\n"a.jpg\n', "is not a CSV"),
        (b"file\n\xff\xfe.jpg\n", "is not UTF-8"),
        (b"file,truth\na.jpg,gone.png\n", "row 2, column 'truth': there is no file"),
    ],
)
def test_what_cannot_be_used_names_row_and_column(tmp_path, content, expected):
    assert re.search(re.escape(expected), refused(tmp_path, content))


def test_a_missing_sidecar_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"cannot read '.*none.csv': No such file"):
        read_sidecar(tmp_path / "none.csv")


def test_rows_may_lack_their_last_cells(tmp_path):
    (tmp_path / "photos.csv").write_text("file,licence,scene\na.jpg,CC0\n")
    row = read_sidecar(tmp_path / "photos.csv")["a.jpg"]
    assert (row.number, row.licence, row.scene) == (2, "CC0", None)


def test_windows_separators_name_the_same_file(tmp_path):
    (tmp_path / "photos.csv").write_text("File;x\n".replace(";", ",") + "sub\\a.jpg,1\n")
    assert list(read_sidecar(tmp_path / "photos.csv")) == ["sub/a.jpg"]
