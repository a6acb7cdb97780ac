"""`clarion profiles`: what is known of a person."""

from typing import Annotated

import typer

from clarion.cli import profile_changes
from clarion.cli.failures import WrongUsage
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.people_files import exporting, importing
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Profiles: show, list, change, import, export, erase.", no_args_is_help=True)


@app.command("show")
@with_target
def show(
    target: Target,
    *,
    profile_id: Annotated[str | None, typer.Argument(metavar="[PROFILE_ID]", help="The profile.")] = None,
    device: Annotated[str | None, typer.Option(metavar="HASH", help="device_token_hash of one of its subscribers.")] = None,
) -> None:
    """Show a profile with its subscribers, runs, deliveries and explanations, newest first."""
    with target.connect() as instance:
        if profile_id is not None and device is None:
            view = instance.profile(profile_id)
        elif device is not None and profile_id is None:
            view = instance.subscriber(device)
        else:
            raise WrongUsage("name one profile — give either PROFILE_ID or --device HASH")
    target.answer(view, _say)


app.command("list")(profile_changes.list_)
app.command("set")(profile_changes.set_)
app.command("unset")(profile_changes.unset)
app.command("segments")(profile_changes.segments)
app.command("export-person")(profile_changes.export_person)
app.command("erase")(profile_changes.erase)
app.command("import")(importing("profiles"))
app.command("export")(exporting("profiles"))


def _say(view: View) -> None:
    typer.echo(f"profile {plain(view.get('profile_id') or '(anonymous)')}, since {when(view.get('created'))}")
    for name, value in (view.get("attributes") or {}).items():
        typer.echo(f"  {plain(name)} = {plain(value)}")
    if view.get("segments"):
        typer.echo(f"  segments: {plain(view['segments'])}")
    _section("Subscribers", view.get("subscribers"), ("device_token_hash", "active", "created", "last_active"))
    _section("Runs", view.get("runs"), ("run_id", "workflow", "version", "status", "step", "due", "started", "ended", "reason"))
    _section("Deliveries", view.get("deliveries"), ("delivery_id", "workflow", "step", "kind", "status", "created", "finished"))
    _explanations(view.get("explanations"))


def _explanations(members: list[View] | None) -> None:
    if not members:
        return
    typer.echo("\nExplanations")
    for member in members:
        history = member.get("explanation") or {}
        typer.echo(plain(f"{when(member.get('at'))}  {history.get('name')} ({member.get('event_id')})"))
        for sentence in member.get("sentences") or ():
            typer.echo(f"  {plain(sentence)}")


_TIMES = frozenset({"created", "last_active", "due", "started", "ended", "finished"})


def _section(title: str, members: list[View] | None, columns: tuple[str, ...]) -> None:
    if not members:
        return
    typer.echo(f"\n{title}")
    rows: list[list[object]] = []
    for member in members:
        values = ((column, member.get(column)) for column in columns)
        rows.append([when(value) if column in _TIMES else value for column, value in values])
    print_table([column.replace("_", " ") for column in columns], rows, "")
