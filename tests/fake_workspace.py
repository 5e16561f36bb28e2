"""A workspace of as many pairs as one likes, all of the same small pictures: for what must not grow with them."""

import json
from pathlib import Path

import numpy as np

from ggt.images import encode_png
from ggt.settings.recipe import Recipe
from ggt.stages.attempts import ASSESSMENT, LQ_RECORD, PROMPT
from ggt.stages.collect import PHOTO
from ggt.store import calls, lanes, photos
from ggt.store.blobs import write_blob
from ggt.store.database import Database
from ggt.store.lanes import AttemptRow
from ggt.store.workspace import hold, set_meta
from ggt.types import (
    ASPECTS,
    TRUST_CELLS,
    AspectVerdict,
    Assessment,
    Box,
    Defect,
    LqRecord,
    Measurements,
    Photo,
    Prompt,
)

SIDE = 16
LANE = ("classical", "fixed", 0)


def fill(folder: Path, count: int, *, num_rejected: int = 0) -> Path:
    """Make a finished workspace of `count` pairs and some rejected candidates; returns its folder."""
    with hold(folder) as layout:
        rng = np.random.default_rng(0)
        lq, hq = (
            write_blob(layout.blobs, encode_png(rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)))
            for _ in range(2)
        )
        database = Database(layout.ledger)
        database.write_now(lambda c: set_meta(c, "recipe", Recipe().model_dump_json()))
        for number in range(count + num_rejected):
            verdict = "accept" if number < count else "reject"
            database.write_soon(
                lambda c, number=number, verdict=verdict: _add(
                    c, number, lq=lq, hq=hq, verdict=verdict
                )
            )
        database.close()
    return folder


def _add(connection, number, *, lq, hq, verdict):
    name = f"{number:064x}"[::-1]
    stated = Photo(path=f"photos/{number:07d}.jpg", licence="CC0-1.0", author="Ann", source="none")
    photos.add_photos(connection, [(stated.path, PHOTO.dump_json(stated).decode())])
    photo = photos.photo_at(connection, stated.path).id
    measured = Measurements(SIDE, SIDE, 3.2, 1.1, 0.2, 0.45, 0.3, 0.6, 0.2, number % 10 / 10)
    record = LqRecord(name, lq, None, None, 1.0, "rain", measured)
    new = photos.NewLq(
        name, "rain", measured.severity, stated.path, LQ_RECORD.dump_json(record).decode()
    )
    (identity,) = photos.photo_ingested(connection, photo, [new])
    lanes.open_lanes(connection, identity, [LANE])
    (lane,) = lanes.lanes_of(connection, identity)
    calls.open_call(connection, name, lane=lane.id, model="classical-1", question="{}")
    outcome = "passed" if verdict == "accept" else "rejected"
    row = AttemptRow(
        number=1,
        call=name,
        prompt=PROMPT.dump_json(Prompt("fixed", "Remove the rain.")).decode(),
        candidate=hq,
        pixel_hash=f"candidate {number}",
        notes=json.dumps({}),
        outcome=outcome,
        stage=None if verdict == "accept" else "judge",
        assessment=ASSESSMENT.dump_json(_assessment(number, verdict)).decode(),
    )
    lanes.record_attempt(connection, lane, row)
    lanes.set_state(connection, lane.id, outcome)


def _assessment(number, verdict):
    rng = np.random.default_rng(number)
    trust = tuple(tuple(row) for row in rng.random((TRUST_CELLS, TRUST_CELLS)).round(4).tolist())
    defect = Defect("colour_consistency", "hue", 0.3, f"turned by {number} degrees")
    return Assessment(
        verdict=verdict,
        stage=None if verdict == "accept" else "judge",
        reasons=() if verdict == "accept" else (f"hue: turned by {number} degrees",),
        aspects=tuple(AspectVerdict(aspect, 4, 0.8, (defect,)) for aspect in ASPECTS),
        alignment=None,
        scores={"naturalness": 4.2, "psnr@lq": 30.0 + number % 7},
        box=Box(0, 0, SIDE, SIDE),
        trust_map=trust,
    )
