"""`clarion subscribers`: browsers and devices that can receive pushes."""

from collections.abc import Callable
from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import WrongUsage
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.people_files import exporting, importing
from clarion.cli.target import Target, with_target

app = typer.Typer(help="Subscribers: list, change, import, export.", no_args_is_help=True)

Hash = Annotated[str, typer.Argument(metavar="HASH", help="device_token_hash of the subscriber.")]
Cursor = Annotated[str | None, typer.Option(help="Go on with the cursor of an earlier answer (--json shows it).")]


@app.command("list")
@with_target
def list_(
    target: Target,
    *,
    active: Annotated[bool | None, typer.Option("--active/--inactive", help="Only those that get pushes, or that do not.")] = None,
    provider: Annotated[str | None, typer.Option(help="webpush, fcm or apns.")] = None,
    profile_id: Annotated[str | None, typer.Option(metavar="PROFILE_ID", help="Those of one profile.")] = None,
    segment: Annotated[str | None, typer.Option(help="Those whose profile is in a segment.")] = None,
    fact: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="Those with a fact, such as country=DE.")] = None,
    cursor: Cursor = None,
    limit: options.Limit = 20,
) -> None:
    """Show subscribers that fit."""
    wanted: View = {"active": active, "provider": provider, "profile_id": profile_id, "segment": segment}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    if fact:
        wanted["facts"] = read_facts(fact)
    with target.connect() as instance:
        page = instance.subscribers(wanted, cursor, limit)
    target.answer(page, _say_list)


@app.command("set")
@with_target
def set_(
    target: Target,
    *,
    device: Hash,
    fact: Annotated[list[str], typer.Argument(metavar="NAME=VALUE…", help="Facts such as country=DE timezone=Europe/Berlin.")],
) -> None:
    """Change what is known of a device."""
    with target.connect() as instance:
        view = instance.change_subscriber(device, "update", read_facts(fact))
    target.answer(view, say_changed)


@app.command("identify")
@with_target
def identify(target: Target, *, device: Hash, profile_id: Annotated[str, typer.Argument(metavar="PROFILE_ID")]) -> None:
    """Have a subscriber join a profile; its anonymous profile becomes part of it."""
    with target.connect() as instance:
        view = instance.change_subscriber(device, "identify", {"profile_id": profile_id})
    target.answer(view, say_changed)


def _changing(change: str, told: str) -> Callable[..., None]:
    @with_target
    def changed(target: Target, *, device: Hash) -> None:
        with target.connect() as instance:
            view = instance.change_subscriber(device, change, {})
        target.answer(view, say_changed)

    changed.__doc__ = told
    return changed


app.command("unsubscribe")(_changing("unsubscribe", "Send a subscriber no more pushes."))
app.command("subscribe")(_changing("subscribe", "Send a subscriber pushes again."))
app.command("logout")(_changing("logout", "Give a subscriber a new anonymous profile."))
app.command("forget")(_changing("forget", "Know a subscriber no more; its profile stays."))
app.command("import")(importing("subscribers"))
app.command("export")(exporting("subscribers"))


def read_facts(given: list[str]) -> View:
    """`country=DE`; what may be said is judged where it is applied. Raises WrongUsage."""
    facts = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise WrongUsage(f"{one[:64]} is not NAME=VALUE — for example country=DE")
        facts[name] = value
    return facts


def say_changed(view: View) -> None:
    """What was asked for a subscriber."""
    typer.echo(plain(f"{view.get('device_token_hash')}: {view.get('change')} is accepted"))


def _say_list(page: View) -> None:
    columns = ("device_token_hash", "profile_id", "provider", "active", "last_active")
    rows = [[when(one[column]) if column == "last_active" else one[column] for column in columns] for one in page["subscribers"]]
    print_table([column.replace("_", " ") for column in columns], rows, "no subscriber fits")
    if page["cursor"]:
        typer.echo(plain(f"There are more: --cursor {page['cursor']}"), err=True)
