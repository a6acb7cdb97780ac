"""`clarion broadcasts`: a push to many, now or at a time."""

from collections.abc import Callable
from typing import Annotated

import typer

from clarion.cli.failures import WrongUsage
from clarion.cli.json_option import read_object
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.subscribers import Cursor
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Broadcasts: send, list, show, pause, resume, stop.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The broadcast.")]


@app.command("send")
@with_target
def send(
    target: Target,
    *,
    push: Annotated[str, typer.Option(metavar="JSON", help="The push, as a push step has it; @FILE reads it from a file.")],
    everybody: Annotated[bool, typer.Option("--everybody", help="To everybody.")] = False,
    profile_id: Annotated[str | None, typer.Option(metavar="PROFILE_ID", help="To one person.")] = None,
    device: Annotated[str | None, typer.Option(metavar="HASH", help="To the person of a subscriber.")] = None,
    segment: Annotated[str | None, typer.Option(help="To a segment.")] = None,
    audience: Annotated[str | None, typer.Option(metavar="JSON", help="To those that a condition holds for; @FILE.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIME", help="When, ISO 8601; without an offset in --timezone. [default: now]")] = None,
    timezone: Annotated[str | None, typer.Option(help="subscriber, site, or an IANA name. [default: site]")] = None,
    transactional: Annotated[bool, typer.Option("--transactional", help="Pass quiet hours and frequency caps.")] = False,
    name: Annotated[str | None, typer.Option(help="What people call it. [default: the title]")] = None,
    broadcast_id: Annotated[str | None, typer.Option("--id", metavar="KEY", help="Your id: again, it is the same broadcast.")] = None,
) -> None:
    """Send a push to those who are there now."""
    addressed: View = {"profile_id": profile_id, "device_token_hash": device, "segment": segment}
    addressed = {field: value for field, value in addressed.items() if value is not None}
    if audience is not None:
        addressed["audience"] = read_object("--audience", audience)
    if len(addressed) + everybody != 1:
        raise WrongUsage("say to whom — give one of --everybody, --profile-id, --device, --segment, --audience")
    said: View = {"at": at, "timezone": timezone, "name": name, "broadcast_id": broadcast_id, "transactional": transactional or None}
    given = {"push": read_object("--push", push), "to": "everybody" if everybody else addressed}
    with target.connect() as instance:
        view = instance.send_broadcast(given | {field: value for field, value in said.items() if value is not None})
    target.answer(view, _say_sent)


@app.command("list")
@with_target
def list_(
    target: Target, *, cursor: Cursor = None, limit: Annotated[int, typer.Option(min=1, max=100, help="At most so many.")] = 20
) -> None:
    """Show broadcasts, those that were changed last first."""
    with target.connect() as instance:
        page = instance.broadcasts(cursor, limit)
    target.answer(page, _say_list)


@app.command("show")
@with_target
def show(target: Target, *, id: Id) -> None:
    """Show a broadcast, how far it is, and what its pushes came to."""
    with target.connect() as instance:
        view = instance.broadcast(id)
    target.answer(view, _say)


def _changing(change: str, told: str) -> Callable[..., None]:
    @with_target
    def changed(target: Target, *, id: Id) -> None:
        with target.connect() as instance:
            view = instance.change_broadcast(id, change)
        target.answer(view, lambda view: typer.echo(plain(f"{view.get('broadcast_id')} is {view.get('status')}")))

    changed.__doc__ = told
    return changed


app.command("pause")(_changing("pause", "Hold what was not sent."))
app.command("resume")(_changing("resume", "Let a paused broadcast go on."))
app.command("stop")(_changing("stop", "End a broadcast for good; what was not sent is not sent any more."))


def _say_sent(view: View) -> None:
    known = "is under way" if view.get("created") else "was asked for before, and is the same"
    typer.echo(plain(f"broadcast {view.get('broadcast_id')} {known} — see: clarion broadcasts show {view.get('broadcast_id')}"))


def _say_list(page: View) -> None:
    rows = [(one["broadcast_id"], one["name"], one["status"], one["at"], when(one["created"])) for one in page["broadcasts"]]
    print_table(("id", "name", "status", "at", "created"), rows, "there is no broadcast yet")
    if page["cursor"]:
        typer.echo(plain(f"There are more: --cursor {page['cursor']}"), err=True)


def _say(view: View) -> None:
    for name in ("broadcast_id", "name", "status", "push", "to", "audience", "at", "timezone"):
        typer.echo(plain(f"{name.replace('_', ' ')}: {plain(view.get(name))}"))
    typer.echo(f"created: {when(view.get('created'))}")
    for name, value in (view.get("progress") or {}).items():
        typer.echo(plain(f"{name.replace('_', ' ')}: {value}"))
    rows = [(one.get("step"), one.get("name"), one.get("count")) for one in view.get("counters") or []]
    if rows:
        print_table(("step", "counter", "count"), rows, "")
