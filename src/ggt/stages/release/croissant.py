"""croissant.json: the dataset described for machines, as MLCommons' Croissant 1.1 asks."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from ggt.formats import Format
from ggt.stages.release.card import CardFacts

Json: TypeAlias = "str | bool | Sequence[Json] | Mapping[str, Json]"

_TERMS = (
    "arrayShape citeAs column containedIn equivalentProperty extract field fileProperty fileObject fileSet format "
    "includes isArray isLiveDataset jsonPath key md5 parentField path recordSet references regex repeated replace "
    "samplingRate separator source subField transform"
)
# The standard's whole context: a validator warns when any of it is absent.
_CONTEXT: dict[str, Json] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
    **{term: f"cr:{term}" for term in _TERMS.split()},
}

_RECORDS = "PROVENANCE.jsonl"
_FIELDS: Mapping[str, str] = {
    "id": "Stable id of the pair; names its two pictures.",
    "split": "train or test.",
    "sha256_lq": "sha256 of the low-quality picture's PNG file.",
    "sha256_gt": "sha256 of the target's PNG file.",
    "restorer": "What made the target.",
    "model": "The model that was asked for.",
    "version": "The model that answered.",
    "assurance": "How the pair was accepted.",
    "stamp": "not-ground-truth, or empty.",
}


def write_croissant(folder: Path, chosen: Format, facts: CardFacts) -> None:
    """Write croissant.json over the files that lie in the folder already."""
    shards = sorted((folder / "data").glob("*")) or sorted(folder.glob("*/metadata.jsonl"))
    media_type = chosen.media_type if (folder / "data").is_dir() else "application/jsonlines"
    distribution = [_file(folder, folder / _RECORDS, "application/jsonlines")]
    distribution += [_file(folder, shard, media_type) for shard in shards]
    value: dict[str, Json] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": [
            "http://mlcommons.org/croissant/1.1",
            "http://mlcommons.org/croissant/RAI/1.0",
        ],
        "name": facts.name,
        "description": "Pairs of real low-quality pictures and restored targets that quality control accepted.",
        "license": facts.licence,
        "rai:dataCollection": "Photos as collected; targets generated from them and assessed.",
        "rai:dataLimitation": "A target may hold plausible invented detail; see the card and the trust maps.",
        "distribution": distribution,
        "recordSet": [_record_set()],
    }
    text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
    (folder / "croissant.json").write_text(text, encoding="utf-8", newline="\n")


def _file(folder: Path, path: Path, media_type: str) -> Json:
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    name = path.relative_to(folder).as_posix()
    return {
        "@type": "cr:FileObject",
        "@id": name,
        "name": name,
        "contentUrl": name,
        "contentSize": f"{path.stat().st_size} B",
        "encodingFormat": media_type,
        "sha256": sha256,
    }


def _record_set() -> Json:
    fields: list[Json] = [
        {
            "@type": "cr:Field",
            "@id": f"pairs/{name}",
            "name": name,
            "description": meaning,
            "dataType": "sc:Text",
            "source": {"fileObject": {"@id": _RECORDS}, "extract": {"column": name}},
        }
        for name, meaning in _FIELDS.items()
    ]
    return {
        "@type": "cr:RecordSet",
        "@id": "pairs",
        "name": "pairs",
        "key": {"@id": "pairs/id"},
        "field": fields,
    }
