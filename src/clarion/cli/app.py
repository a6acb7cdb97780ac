"""The tree of commands, and what becomes of their errors."""

import os
import re
import sys
from collections.abc import Sequence
from typing import Final

import typer

from clarion.cli import (
    broadcasts,
    doctor,
    events,
    explain,
    export,
    initialise,
    jobs,
    keys,
    migrate,
    poisoned,
    profiles,
    runs,
    secrets,
    segments,
    serve,
    simulate,
    sites,
    subscribers,
    workflows,
)
from clarion.cli.failures import FAILED, INTERRUPTED, Failure, describe
from clarion.cli.invocation import NAME, as_invoked, forget, invoked
from clarion.cli.output import plain

EXIT_CODES = "Exit codes: 0 done, 1 failed or invalid, 2 wrong usage, 130 interrupted. CLARION_DEBUG=1 shows tracebacks."

# The parser's errors are below this one, whichever parser typer brings along.
_USAGE_ERROR: type[Exception] = typer.BadParameter.__mro__[1]

# The parser hands on what its validator says of a value, in the validator's words.
_WORDING: Final = (
    (re.compile(r"(?<=: )Value error, "), ""),
    (re.compile(r"(?<=: )Input should be less than or equal to "), "must be at most "),
    (re.compile(r"(?<=: )Input should be greater than or equal to "), "must be at least "),
    (re.compile(r"(?<=: )Input should be a valid integer.*", re.DOTALL), "must be a whole number"),
    (re.compile(r"(?<=: )Input should be "), "must be "),
)

app = typer.Typer(
    name="clarion",
    help="Custom events become workflows, workflows become pushes.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("init")(initialise.init)
app.command("serve")(serve.serve)
app.add_typer(keys.app, name="keys")
app.add_typer(sites.app, name="sites")
app.add_typer(secrets.app, name="secrets")
app.add_typer(workflows.app, name="workflows")
app.add_typer(runs.app, name="runs")
app.add_typer(poisoned.app, name="poisoned")
app.add_typer(events.app, name="events")
app.add_typer(profiles.app, name="profiles")
app.add_typer(subscribers.app, name="subscribers")
app.add_typer(segments.app, name="segments")
app.add_typer(broadcasts.app, name="broadcasts")
app.add_typer(jobs.app, name="jobs")
app.add_typer(export.app, name="export")
app.command("explain")(explain.explain)
app.command("simulate")(simulate.simulate)
app.command("migrate")(migrate.migrate)
app.command("doctor")(doctor.doctor)


def _show_version(wanted: bool) -> None:
    if wanted:
        from clarion import __version__

        typer.echo(f"clarion {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_show_version, is_eager=True, help="Print the version and exit."),
) -> None:
    """Custom events become workflows, workflows become pushes."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code. Every error ends on standard error, each thing that is wrong as one line."""
    try:
        code = app(list(arguments), prog_name=NAME, standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read standard output has gone; nothing more can reach it, nor should the interpreter try at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - the outermost place: an error becomes its line and an exit code
        return _report(error)
    finally:
        forget()
    return code if isinstance(code, int) else 0


def _report(error: Exception) -> int:
    if os.environ.get("CLARION_DEBUG", "") not in ("", "0"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, _USAGE_ERROR):
        return _report_usage(error)
    lines = describe(error)
    if not lines:
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        lines = (f"unexpected: {said} — set CLARION_DEBUG=1 for a traceback",)
    for line in lines:
        typer.echo(f"error: {plain(as_invoked(line))}", err=True)
    return error.code if isinstance(error, Failure) else FAILED


def _report_usage(error: Exception) -> int:
    context = getattr(error, "ctx", None)
    said = str(error.format_message()) if hasattr(error, "format_message") else str(error)
    command = (context.command_path if context is not None else NAME).removeprefix(NAME)
    for found, instead in _WORDING:
        said = found.sub(instead, said)
    typer.echo(f"error: {plain(said).rstrip('.')} — see: {invoked()}{command} --help", err=True)
    return 2
