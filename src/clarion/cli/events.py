"""`clarion events`: send one, watch them arrive."""

from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from clarion.cli.failures import WrongUsage
from clarion.cli.instance import Instance
from clarion.cli.invocation import as_invoked
from clarion.cli.output import View, plain, print_json, print_json_line, when
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Events: send, tail.", no_args_is_help=True)

POLL_SECONDS = 1.0
BATCH = 100


@app.command("send")
@with_target
def send(
    target: Target,
    *,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The event's name, such as add_to_cart.")],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY=VALUE…|JSON]",
            help="The event's data: key=value pairs (true, false and numbers are taken as such), or one JSON object.",
        ),
    ] = None,
    profile: Annotated[str | None, typer.Option(metavar="ID", help="profile_id that the event is about.")] = None,
    device: Annotated[str | None, typer.Option(metavar="HASH", help="device_token_hash that the event is about.")] = None,
    event_id: Annotated[
        str | None, typer.Option(metavar="ID", help="The same id with the same content is one event, however often it is sent.")
    ] = None,
    timestamp: Annotated[str | None, typer.Option(metavar="TIME", help="When it happened: ISO 8601 with offset.")] = None,
) -> None:
    """Have an event accepted, checked exactly as over HTTP."""
    from clarion.cli.event_body import event_body

    if target.data is not None and str(target.data).lstrip().startswith("{"):
        raise WrongUsage("--data is the data directory — give the event's data as key=value pairs or one JSON object, without --data")
    body = event_body(name=name, profile=profile, device=device, values=values or [], event_id=event_id, timestamp=timestamp)
    with target.connect() as instance:
        accepted = instance.send_event(body)
    target.answer(accepted, _say_accepted)


def _say_accepted(accepted: View) -> None:
    # A server keeps to the wire contract, which has no id in its answer.
    id = accepted.get("event_id")
    if id is None:
        typer.echo(as_invoked("accepted — see: clarion events tail"))
    else:
        typer.echo(plain(f"accepted as {id} — {as_invoked('see: clarion explain')} {id}"))


@app.command("tail")
@with_target
def tail(
    target: Target,
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what arrives, until interrupted.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of the newest events to begin with.")] = 20,
) -> None:
    """Show the newest events of the log, oldest first. With --json and --follow, one JSON object a line."""
    import time

    with target.connect() as instance:
        if not follow and target.json:
            print_json(instance.events("", limit)[0])
            return
        for event in _follow(instance, limit, lambda: time.sleep(POLL_SECONDS)) if follow else instance.events("", limit)[0]:
            if target.json:
                print_json_line(event)
            else:
                _print(event)


def _follow(instance: Instance, limit: int, pause: Callable[[], None]) -> Iterable[View]:
    """The newest events, then every later one; `pause` is called whenever there is none."""
    found, cursor = instance.events("", limit)
    while True:
        yield from found
        if not found:
            pause()
        found, cursor = instance.events(cursor, BATCH)


def _print(event: View) -> None:
    import sys

    whom: Any = event.get("profile_id") or event.get("device_token_hash") or "-"
    line = (
        when(event.get("log_time") or event.get("received")),
        event.get("event_id"),
        event.get("event_name"),
        whom,
        event.get("data"),
    )
    typer.echo("  ".join(plain(part) for part in line))
    sys.stdout.flush()
