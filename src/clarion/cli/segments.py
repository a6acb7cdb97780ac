"""`clarion segments`: defined, renamed, given up, and their members."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import WrongUsage
from clarion.cli.json_option import read_object
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.subscribers import Cursor
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Segments: list, create, set, delete, members.", no_args_is_help=True)

Segment = Annotated[str, typer.Argument(metavar="SEGMENT", help="The text that names the segment; it never changes.")]
Name = Annotated[str | None, typer.Option(help="What people call it.", show_default=False)]
Condition = Annotated[
    str | None, typer.Option(metavar="JSON", help="Who is in it, as in a document; @FILE reads it from a file.", show_default=False)
]
Backfill = Annotated[bool, typer.Option("--backfill-events", help="Those who come in or go out because of this have events of it.")]


@app.command("list")
@with_target
def list_(target: Target) -> None:
    """Show segments with how many profiles are in each."""
    with target.connect() as instance:
        view = instance.segments()
    target.answer(view, _say_list)


@app.command("create")
@with_target
def create(target: Target, *, segment: Segment, name: Name = None, condition: Condition = None, backfill_events: Backfill = False) -> None:
    """Define a segment: with --condition a dynamic one, else a static one."""
    given = _given(name, condition, backfill_events=backfill_events)
    with target.connect() as instance:
        view = instance.create_segment(segment, given)
    target.answer(view, _say)


@app.command("set")
@with_target
def set_(target: Target, *, segment: Segment, name: Name = None, condition: Condition = None, backfill_events: Backfill = False) -> None:
    """Give a segment another name or condition."""
    given = _given(name, condition, backfill_events=backfill_events)
    if not given.keys() & {"name", "condition"}:
        raise WrongUsage("there is nothing to set — give --name or --condition")
    with target.connect() as instance:
        view = instance.change_segment(segment, given)
    target.answer(view, _say)


@app.command("delete")
@with_target
def delete(target: Target, *, segment: Segment) -> None:
    """Give a segment up: everybody gets out of it."""
    with target.connect() as instance:
        view = instance.delete_segment(segment)
    target.answer(view, lambda view: typer.echo(plain(f"{view.get('segment')} is deleted")))


@app.command("members")
@with_target
def members(target: Target, *, segment: Segment, cursor: Cursor = None, limit: options.Limit = 20) -> None:
    """Show profiles that are in a segment."""
    with target.connect() as instance:
        page = instance.profiles({"segment": segment}, cursor, limit)
    target.answer(page, _say_members)


def _given(name: str | None, condition: str | None, *, backfill_events: bool) -> View:
    given: View = {} if name is None else {"name": name}
    if condition is not None:
        given["condition"] = read_object("--condition", condition)
    return given | ({"backfill_events": True} if backfill_events else {})


def _say(view: View) -> None:
    kind = "dynamic" if view.get("dynamic") else "static"
    typer.echo(plain(f"{view.get('segment')} ({view.get('name')}): {kind}, changed {when(view.get('changed'))}"))


def _say_list(view: View) -> None:
    rows = [(one["segment"], one["name"], "dynamic" if one["dynamic"] else "static", one["members"]) for one in view["segments"]]
    rows += [(one["segment"], "-", "not defined", one["members"]) for one in view["undefined"]]
    print_table(("segment", "name", "kind", "members"), rows, "there is no segment — run: clarion segments create SEGMENT")
    if not view["counted"]["complete"]:
        typer.echo(f"Only the first {view['counted']['profiles']} profiles were counted.", err=True)


def _say_members(page: View) -> None:
    rows = [(one["profile_id"] or f"(anonymous) {one['device_token_hash']}", when(one["created"])) for one in page["profiles"]]
    print_table(("profile", "created"), rows, "nobody is in it")
    if page["cursor"]:
        typer.echo(plain(f"There are more: --cursor {page['cursor']}"), err=True)
