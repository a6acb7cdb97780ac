"""`clarion runs`: profiles on their way through workflows; stopped, retried, moved."""

from pathlib import Path
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import View, plain, print_json, print_table, when

app = typer.Typer(help="Runs: list, show, stop, retry, move.", no_args_is_help=True)

RunId = Annotated[str, typer.Argument(metavar="RUN", help="Id of the run.")]
Reason = Annotated[str | None, typer.Option(metavar="TEXT", help="Why, for the run's history.", show_default=False)]

_COLUMNS = ("run_id", "workflow", "version", "who", "status", "step", "due", "started", "ended", "reason")
_TIMES = frozenset({"due", "started", "ended", "since", "created", "finished"})


@app.command("list")
def list_(
    *,
    workflow: Annotated[str | None, typer.Option(metavar="SLUG", help="Those of one workflow.", show_default=False)] = None,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Those that are waiting, completed, exited or failed.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many.")] = 20,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Show runs, newest first."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        views = instance.runs(workflow, status, limit)
    if json:
        print_json(views)
        return
    print_table([column.replace("_", " ") for column in _COLUMNS], [_row(view) for view in views], "there is no such run")


@app.command("show")
def show(
    *,
    run: RunId,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Show where a run stands, the event that started it, and its deliveries."""
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.run(run)
    if json:
        print_json(view)
        return
    _print(view)


@app.command("stop")
def stop(
    *,
    run: RunId,
    reason: Reason = None,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """End a run in flight."""
    _change(run, "stop", None, reason, data, site, server, key, json=json)


@app.command("retry")
def retry(
    *,
    run: RunId,
    reason: Reason = None,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Try a failed run again at the step at which it failed."""
    _change(run, "retry", None, reason, data, site, server, key, json=json)


@app.command("move")
def move(
    *,
    run: RunId,
    step: Annotated[
        str | None,
        typer.Option(metavar="STEP", help="Step of the current version to enter; where it stands unless given.", show_default=False),
    ] = None,
    reason: Reason = None,
    data: options.Data = None,
    site: options.SiteName = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Let a run in flight go on in the current version, at the step where it stands or at another one."""
    _change(run, "move", step, reason, data, site, server, key, json=json)


def _change(
    run: str,
    change: str,
    step: str | None,
    reason: str | None,
    data: Path | None,
    site: str | None,
    server: str | None,
    key: str | None,
    *,
    json: bool,
) -> None:
    from clarion.cli.instance import connect

    with connect(data, server, key, site) as instance:
        view = instance.change_run(run, change, step, reason)
    if json:
        print_json(view)
        return
    typer.echo(plain(f"{view.get('run_id')}: the engine is told to {change} it"))


def _row(view: View) -> list[object]:
    who = view.get("profile_id") or view.get("device_token_hash")
    return [who if column == "who" else _shown(column, view.get(column)) for column in _COLUMNS]


def _print(view: View) -> None:
    import msgspec

    entry, deliveries = view.get("entry"), view.get("deliveries") or []
    for name, value in view.items():
        if name in ("entry", "deliveries") or value in (None, {}):
            continue
        typer.echo(plain(f"{name.replace('_', ' ')}: {_shown(name, value)}"))
    if isinstance(entry, dict):
        told = msgspec.json.encode(entry.get("data")).decode()
        typer.echo(plain(f"started by: {entry.get('event_name')} ({entry.get('event_id')}) {told}"))
    if deliveries:
        typer.echo("\nDeliveries")
        columns = ("delivery_id", "step", "kind", "status", "created", "finished")
        rows = [[_shown(column, one.get(column)) for column in columns] for one in deliveries]
        print_table([column.replace("_", " ") for column in columns], rows, "")


def _shown(name: str, value: object) -> object:
    return when(value) if name in _TIMES and isinstance(value, int) else value
