"""`ggt release`: from a workspace to a dataset that others can load."""

from pathlib import Path
from typing import Annotated

import typer

from ggt.cli._output import AsJson, emit_json, emit_text


def release(
    workspace: Annotated[Path, typer.Argument(help="The folder that `ggt build --out` made.")],
    to: Annotated[
        Path, typer.Option("--to", help="Folder to write: new, empty, or an earlier release.")
    ],
    layout: Annotated[
        str, typer.Option("--format", help="parquet, webdataset, folders, preferences or instruct.")
    ] = "parquet",
    test: Annotated[int, typer.Option(help="Number of pairs in the test split.")] = 0,
    balance: Annotated[
        bool, typer.Option("--balance", help="Balance the test split over category and severity.")
    ] = False,
    licence: Annotated[
        str | None, typer.Option("--licence", "--license", help="Licence of the dataset.")
    ] = None,
    allow_unknown_licence: Annotated[
        bool,
        typer.Option("--allow-unknown-licence", help="Release photos whose licence none stated."),
    ] = False,
    acknowledge_terms: Annotated[
        list[str] | None,
        typer.Option(help="A model whose terms bar training; release its outputs all the same."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the accepted pairs as a dataset with card, checksums and provenance; the same bytes each time.

    Test pairs, once published, stay test pairs. With nothing to release nothing is written and the exit code is 1.

    Example: ggt release my-dataset --to out/ --format parquet --test 500 --balance
    """
    from ggt.stages.release.publish import ReleaseRequest, publish

    done = publish(
        workspace,
        ReleaseRequest(
            to=to,
            format_name=layout,
            num_test=test,
            balance=balance,
            licence=licence,
            allow_unknown_licence=allow_unknown_licence,
            acknowledged=tuple(acknowledge_terms or ()),
        ),
    )
    if as_json:
        emit_json(
            {
                "folder": str(done.folder),
                "format": layout,
                "num_train": done.num_train,
                "num_test": done.num_test,
                "num_withheld": done.num_withheld,
                "num_losers": done.num_losers,
                "num_not_ground_truth": done.num_not_ground_truth,
                "barred": {**done.barred},
            }
        )
        return
    emit_text(f"{done.folder}: {done.num_train} training and {done.num_test} test pairs ({layout})")
    if done.num_test < test:
        emit_text(f"The test split is smaller than {test}: no further whole scene fits.")
    if done.num_test > test:
        emit_text("Pairs that were test pairs in an earlier release stay test pairs.")
    if done.num_losers:
        emit_text(f"{done.num_losers} candidates that were turned down stand beside them.")
    if done.num_withheld:
        emit_text(f"{done.num_withheld} pairs withheld: they share a scene with test pairs.")
    for reason, count in done.barred.items():
        emit_text(f"{count} pairs barred: {reason}")
    if done.num_not_ground_truth:
        emit_text(f"not-ground-truth: {done.num_not_ground_truth} pairs are stamped so.")
