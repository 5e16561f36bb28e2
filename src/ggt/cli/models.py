"""`ggt models`: the models behind an interface, their prices and terms, and what is missing for asking them."""

from typing import TYPE_CHECKING

from ggt.cli._output import AsJson, emit_json, emit_table, emit_text

if TYPE_CHECKING:
    from datetime import date

    from ggt.cli._output import JsonValue
    from ggt.stages.catalogue import Entry


def models(*, as_json: AsJson = False) -> None:
    """List every model: provider, price, terms of use, watermark, when it ends, and what is missing here.

    Prices and terms go out of date: each says when it was read. Rows of your own go into GGT_MODELS, else into
    ~/.config/ggt/models.toml. Ends with 0 whatever is missing.

    Example: ggt models --json
    """
    from datetime import UTC, datetime
    from textwrap import fill

    from ggt.models import user_file
    from ggt.stages.catalogue import catalogue, price_text, retirement

    today = datetime.now(UTC).date()
    entries = catalogue(today)
    if as_json:
        emit_json([_as_json(entry, today) for entry in entries])
        return
    columns = ["name", "price", "ends", "may train", "ready"]
    # Folded here, so that on a narrow terminal the names stay whole.
    for kind, title in (("mfm", "Mfms: restorers that follow a prompt"), ("vlm", "Vlms")):
        rows = [
            [
                entry.alias,
                f"{fill(price_text(entry.model), 16)}\nread {entry.model.price.as_of}",
                fill(retirement(entry.model, today), 16),
                entry.model.terms.may_train,
                "no" if entry.lacks else "yes",
            ]
            for entry in entries
            if entry.model.kind == kind
        ]
        emit_table(title, columns, rows)
    for entry in entries:
        emit_text(_details(entry))
    emit_text(f"Your own rows: {user_file()}")


def _details(entry: "Entry") -> str:
    """Write what does not fit into a table."""
    model, terms = entry.model, entry.model.terms
    lines = [
        f"{entry.alias}: {model.title}, {model.id} of {model.provider}; licence: {model.licence}",
        f"training on outputs: {terms.may_train}. {terms.note} (As of {terms.as_of}; {terms.source}.)",
        f"watermark: {model.watermark}",
        *(f"missing here: {what}" for what in entry.lacks),
    ]
    return "\n  ".join(lines)


def _as_json(entry: "Entry", today: "date") -> "JsonValue":
    from ggt.stages.catalogue import days_left

    model, price = entry.model, entry.model.price
    return {
        "name": entry.alias,
        "kind": model.kind,
        "title": model.title,
        "provider": model.provider,
        "id": model.id,
        "api_version": model.api_version,
        "choice": model.choice,
        "open_weights": model.open_weights,
        "licence": model.licence,
        "price": {
            "per_image_usd": price.per_image_usd,
            "input_usd_per_mtok": price.input_usd_per_mtok,
            "output_usd_per_mtok": price.output_usd_per_mtok,
            "image_usd_per_mtok": price.image_usd_per_mtok,
            "as_of": price.as_of.isoformat(),
            "source": price.source,
        },
        "retires_on": model.retires_on.isoformat() if model.retires_on else None,
        "days_left": days_left(model, today),
        "terms": {
            "may_train": model.terms.may_train,
            "note": model.terms.note,
            "as_of": model.terms.as_of.isoformat(),
            "source": model.terms.source,
        },
        "watermark": model.watermark,
        "lacks": list(entry.lacks),
    }
