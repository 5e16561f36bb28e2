"""`ggt doctor`: what is installed, what is missing, how to get it."""

import typer

from ggt.cli._output import AsJson, emit_json, emit_table


def doctor(as_json: AsJson = False) -> None:
    """Look at the installation; ends with 1 when something that ggt needs is missing or broken.

    Example: ggt doctor
    """
    from ggt.stages.doctor import examine

    findings = examine()
    if as_json:
        emit_json(
            [
                {
                    "what": finding.what,
                    "state": finding.state,
                    "detail": finding.detail,
                    "remedy": finding.remedy,
                    "needed": finding.needed,
                }
                for finding in findings
            ]
        )
    else:
        rows = [[f.what, f.state, f.detail, f.remedy] for f in findings]
        emit_table("ggt doctor", ["what", "state", "detail", "remedy"], rows)
    if any(finding.needed and finding.state != "ok" for finding in findings):
        raise typer.Exit(1)
