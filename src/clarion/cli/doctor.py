"""`clarion doctor`: is everything as it should be?"""

import typer

from clarion.cli import options
from clarion.cli.failures import FAILED
from clarion.cli.invocation import as_invoked
from clarion.cli.output import plain, print_json, print_table


def doctor(data: options.Data = None, json: options.Json = False) -> None:
    """Check a data directory and this machine. Exits with 1 if a check failed; a warning fails nothing."""
    import os

    from clarion.cli.checks import examine
    from clarion.config import data_directory

    findings = examine(data_directory(data, os.environ), os.environ)
    if json:
        print_json([finding.view() for finding in findings])
    else:
        print_table(("check", "status", "finding"), [(one.check, one.status, one.detail) for one in findings], "")
        for one in findings:
            if one.advice:
                typer.echo(plain(f"{one.check}: {as_invoked(one.advice)}"), err=True)
    if any(one.status == "failed" for one in findings):
        raise typer.Exit(FAILED)
