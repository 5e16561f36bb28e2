"""Terms: whose terms of use bind the targets, and whether those forbid what a dataset is for."""

from collections.abc import Collection, Iterable

from ggt.errors import UsageError
from ggt.restorers import LocalRestorer
from ggt.stages.services import load_restorer


def terms_of(restorer: str) -> str:
    """Say whose terms of use bind the outputs of a restorer."""
    found = load_restorer(restorer)
    if isinstance(found, LocalRestorer):
        return f"none of a provider: it runs locally ({found.source})"
    terms = found.terms
    return (
        f"training on its outputs: {terms.may_train} ({terms.note}; {terms.source}, read {terms.as_of}); "
        f"licence: {found.licence}; watermark: {found.watermark}"
    )


def check_terms(restorers: Iterable[str], acknowledged: Collection[str]) -> None:
    """Stop a release of targets that their provider's terms bar from training, until somebody says that it is known.

    Raises:
        UsageError: names the model, its terms, and the option that acknowledges them.
    """
    for name in restorers:
        found = load_restorer(name)
        if (
            isinstance(found, LocalRestorer)
            or found.terms.may_train != "no"
            or name in acknowledged
        ):
            continue
        raise UsageError(
            f"the terms of {found.title} bar training on its outputs ({found.terms.note}; {found.terms.source}, read "
            f"{found.terms.as_of}). If you may release them all the same, say so: --acknowledge-terms {name}"
        )
