"""`clarion runs`: profiles on their way through workflows; stopped, retried, moved."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Runs: list, show, stop, retry, move.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the run's history.", show_default=False)]

_COLUMNS = ("run_id", "workflow", "version", "who", "status", "step", "due", "started", "ended", "reason")
_HEADINGS = [column.replace("_", " ") for column in _COLUMNS]
_TIMES = frozenset({"due", "started", "ended", "since", "created", "finished"})


@app.command("list")
@with_target
def list_(
    target: Target,
    *,
    workflow: Annotated[str | None, typer.Option(metavar="SLUG", help="Those of one workflow.", show_default=False)] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Those that are waiting, completed, exited or failed.", show_default=False)
    ] = None,
    limit: options.Limit = 20,
) -> None:
    """Show runs, newest first."""
    with target.connect() as instance:
        views = instance.runs(workflow, status, limit)
    none = " ".join(["there is no", *([status] if status else []), "run", *(["of", workflow] if workflow else [])])
    target.answer(views, lambda views: print_table(_HEADINGS, [_row(view) for view in views], none))


@app.command("show")
@with_target
def show(target: Target, *, run: RunId) -> None:
    """Show where a run stands, the event that started it, and its deliveries."""
    with target.connect() as instance:
        view = instance.run(run)
    target.answer(view, _say_run)


@app.command("stop")
@with_target
def stop(target: Target, *, run: RunId, reason: Reason = None) -> None:
    """End a run in flight."""
    _change(target, run, "stop", reason)


@app.command("retry")
@with_target
def retry(target: Target, *, run: RunId, reason: Reason = None) -> None:
    """Try a failed run again at the step at which it failed."""
    _change(target, run, "retry", reason)


@app.command("move")
@with_target
def move(
    target: Target,
    *,
    run: RunId,
    step: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Step of the current version to enter; where it stands unless given.", show_default=False),
    ] = None,
    reason: Reason = None,
) -> None:
    """Let a run in flight go on in the current version, at the step where it stands or at another one."""
    _change(target, run, "move", reason, step)


def _change(target: Target, run: str, change: str, reason: str | None, step: str | None = None) -> None:
    with target.connect() as instance:
        view = instance.change_run(run, change, step, reason)
    target.answer(view, lambda view: typer.echo(plain(f"{view.get('run_id')}: the engine is told to {change} it")))


def _row(view: View) -> list[object]:
    who = view.get("profile_id") or view.get("device_token_hash")
    return [who if column == "who" else _shown(column, view.get(column)) for column in _COLUMNS]


def _say_run(view: View) -> None:
    import msgspec

    entry, deliveries = view.get("entry"), view.get("deliveries") or []
    for name, value in view.items():
        if name in ("entry", "deliveries") or value in (None, {}):
            continue
        typer.echo(f"{plain(name.replace('_', ' '))}: {plain(_shown(name, value))}")
    if isinstance(entry, dict):
        told = msgspec.json.encode(entry.get("data")).decode()
        typer.echo(plain(f"started by: {entry.get('event_name')} ({entry.get('event_id')}) {told}"))
    if deliveries:
        typer.echo("\nDeliveries")
        columns = ("delivery_id", "step", "kind", "status", "created", "finished")
        rows = [[_shown(column, one.get(column)) for column in columns] for one in deliveries]
        print_table([column.replace("_", " ") for column in columns], rows, "")


def _shown(name: str, value: object) -> object:
    return when(value) if name in _TIMES else value
