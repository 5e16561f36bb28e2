"""What is said of known photos later (licence, scene, excluded sets) counts, and nothing is paid again for it."""

import shutil
import sqlite3
from dataclasses import replace

import pytest

from ggt.settings.ingest import IngestSettings
from ggt.stages.build import build
from ggt.stages.collect import PHOTO, list_photos
from ggt.stages.outcomes import pairs
from ggt.stages.status import read_status
from ggt.store import photos
from ggt.store.database import Database
from ggt.store.workspace import open_readonly
from ggt.types import Photo
from rehearsal import decide, request, small_recipe, write_photos

NOTHING = Photo(path="")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A finished workspace of two photos whose licence nobody stated; a person accepted all, so that both are pairs."""
    folder = tmp_path_factory.mktemp("collected")
    found = write_photos(folder, ("coffee", "chelsea"))
    sidecar = found / "photos.csv"
    sidecar.write_text(sidecar.read_text().replace("CC0-1.0", ""))
    assert build(request(found, folder / "ws")) is None
    decide(folder / "ws", "accept")
    return folder


@pytest.fixture
def workspace(built, tmp_path):
    """A copy of it to change."""
    shutil.copytree(built, tmp_path / "copy")
    return tmp_path / "copy"


def rows(workspace, query):
    connection = sqlite3.connect(workspace / "ws" / "ledger.sqlite")
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def made(workspace):
    """All that was sent and made."""
    return rows(workspace, "SELECT id, state FROM send"), rows(workspace, "SELECT * FROM attempt")


def licences(workspace):
    with open_readonly(workspace / "ws") as reading:
        return {pair.photo.path: pair.photo.licence for pair in pairs(reading)}


def again(workspace, recipe=None, **options):
    """Run the build once more, as the same command with other options would."""
    wanted = replace(request(workspace / "photos", workspace / "ws", recipe), **options)
    assert build(wanted) is None


def test_a_licence_that_is_stated_later_counts_for_known_photos(workspace):
    before = made(workspace)
    assert licences(workspace) == {"coffee.png": None, "chelsea.png": None}
    again(workspace, stated=Photo(path="", licence="CC-BY-4.0"))
    assert licences(workspace) == {"coffee.png": "CC-BY-4.0", "chelsea.png": "CC-BY-4.0"}
    sidecar = workspace / "photos" / "photos.csv"
    lines = sidecar.read_text().splitlines()
    lines[1] = lines[1].replace("somebody,,", "Ann,MIT,")
    sidecar.write_text("\n".join(lines) + "\n")
    again(workspace)
    assert licences(workspace) == {"coffee.png": "MIT", "chelsea.png": "CC-BY-4.0"}
    assert made(workspace) == before


def test_a_set_that_is_excluded_later_takes_known_pairs_out_and_keeps_new_photos_out(workspace):
    before = made(workspace)
    (workspace / "set").mkdir()
    shutil.copy(workspace / "truths" / "coffee.png", workspace / "set" / "cup.png")
    again(workspace, excluded=(workspace / "set",))
    assert set(licences(workspace)) == {"chelsea.png"}
    status = read_status(workspace / "ws")
    assert status.fates == {("set_aside", "excluded"): 1, ("pair", "reviewed"): 1}
    assert made(workspace) == before
    shutil.copy(workspace / "set" / "cup.png", workspace / "photos" / "new cup.png")
    again(workspace, small_recipe("classical"))
    assert read_status(workspace / "ws").fates["set_aside", "excluded"] == 2
    assert set(licences(workspace)) <= {"chelsea.png"}
    assert rows(workspace, "SELECT count(*) FROM lane WHERE restorer = 'classical'") == [(1,)]


def test_a_licence_that_is_barred_takes_known_pairs_out_and_another_brings_them_back(tmp_path):
    ingest = small_recipe().ingest.model_copy(
        update={"barred_licences": ("secret",), "bar_unknown_licence": True}
    )
    recipe = small_recipe().model_copy(update={"ingest": ingest})
    found = write_photos(tmp_path, ("coffee",))
    sidecar = found / "photos.csv"
    sidecar.write_text(sidecar.read_text().replace("CC0-1.0", ""))
    again(tmp_path, recipe)
    assert read_status(tmp_path / "ws").fates == {("set_aside", "barred"): 1}
    again(tmp_path, recipe, stated=Photo(path="", licence="MIT"))
    decide(tmp_path / "ws", "accept")
    assert licences(tmp_path) == {"coffee.png": "MIT"}
    before = made(tmp_path)
    again(tmp_path, recipe, stated=Photo(path="", licence="Secret"))
    assert licences(tmp_path) == {}
    assert read_status(tmp_path / "ws").fates == {("set_aside", "barred"): 1}
    again(tmp_path, recipe, stated=Photo(path="", licence="MIT"))
    assert licences(tmp_path) == {"coffee.png": "MIT"}
    assert made(tmp_path) == before


@pytest.fixture
def listed(tmp_path):
    """A ledger that knows the photos of a folder `rain` by their sidecar, and a function that lists them again."""
    found = write_photos(tmp_path / "rain", ("coffee",))
    database = Database(tmp_path / "ledger.sqlite")

    def list_again(header, cells, stated=NOTHING):
        (found / "photos.csv").write_text(f"file,{header}\ncoffee.png,{cells}\n")
        list_photos(database, found, stated=stated, settings=IngestSettings())
        return PHOTO.validate_json(database.read(lambda c: photos.get_photo(c, 1)).stated)

    yield list_again, database
    database.close()


def test_the_sidecar_goes_before_the_command_line_and_both_before_what_was_said_earlier(listed):
    list_again, _ = listed
    flag = Photo(path="", licence="from the flag")
    assert list_again("licence,scene", "first,harbour").licence == "first"
    assert list_again("licence", "second", flag).licence == "second"
    assert list_again("author", "Ann", flag).licence == "from the flag"
    said = list_again("author", "")
    assert (said.licence, said.author, said.scene) == ("from the flag", "Ann", "harbour")


def test_a_category_that_is_stated_later_counts_only_until_the_photo_was_measured(listed):
    list_again, database = listed
    assert list_again("category", "haze").category == "haze"
    assert list_again("category", "snow").category == "snow"
    database.write_now(lambda c: photos.photo_measured(c, 1, "{}"))
    said = list_again("category,licence", "old,MIT")
    assert (said.category, said.licence) == ("snow", "MIT")


def test_what_was_said_before_stays_on_record(listed):
    list_again, database = listed
    list_again("licence", "first")
    list_again("licence", "second")
    ((detail,),) = database.read(
        lambda c: c.execute("SELECT detail FROM event WHERE kind = 'restated'").fetchall()
    )
    assert PHOTO.validate_json(detail).licence == "first"
