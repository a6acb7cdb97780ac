"""`clarion profiles list|set|unset|segments|export-person|erase`."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import WrongUsage
from clarion.cli.json_option import read_object
from clarion.cli.output import View, plain, print_json, print_table, when
from clarion.cli.subscribers import Cursor
from clarion.cli.target import Target, with_target
from clarion.cli.whom import Whom

ProfileId = Annotated[str, typer.Argument(metavar="PROFILE_ID", help="The profile.")]


@with_target
def list_(
    target: Target,
    *,
    segment: Annotated[str | None, typer.Option(help="Those in a segment.")] = None,
    prefix: Annotated[str | None, typer.Option(help="Those whose profile_id begins so.")] = None,
    anonymous: Annotated[bool | None, typer.Option("--anonymous/--named", help="Those without, or with, a profile_id.")] = None,
    condition: Annotated[
        str | None, typer.Option(metavar="JSON", help="Those that a condition holds for; @FILE reads it from a file.")
    ] = None,
    cursor: Cursor = None,
    limit: options.Limit = 20,
) -> None:
    """Show profiles that fit."""
    given: View = {"segment": segment, "prefix": prefix, "anonymous": anonymous}
    wanted = {name: value for name, value in given.items() if value is not None}
    if condition is not None:
        if wanted:
            raise WrongUsage("--condition stands alone — put what else you want into it")
        wanted = {"condition": read_object("--condition", condition)}
    with target.connect() as instance:
        page = instance.profiles(wanted, cursor, limit)
    target.answer(page, _say_list)


@with_target
def set_(
    target: Target,
    *,
    profile_id: ProfileId,
    attributes: Annotated[str, typer.Argument(metavar="JSON", help='Attributes such as {"plan": "gold"}; @FILE reads them from a file.')],
) -> None:
    """Add attributes to a profile, which is made if it is new."""
    with target.connect() as instance:
        view = instance.add_attributes(profile_id, read_object("JSON", attributes))
    target.answer(view, _say_changed)


@with_target
def unset(target: Target, *, profile_id: ProfileId, names: Annotated[list[str], typer.Argument(metavar="NAME…")]) -> None:
    """Remove attributes of a profile."""
    with target.connect() as instance:
        view = instance.remove_attributes(profile_id, names)
    target.answer(view, _say_changed)


@with_target
def segments(
    target: Target,
    *,
    profile_id: ProfileId,
    add: Annotated[list[str] | None, typer.Option(metavar="SEGMENT", help="Put it into a segment.")] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="SEGMENT", help="Take it out of a segment.")] = None,
) -> None:
    """Put a profile into segments, and take it out of others."""
    if not add and not remove:
        raise WrongUsage("there is nothing to change — give --add SEGMENT or --remove SEGMENT")
    with target.connect() as instance:
        view = instance.change_segments(profile_id, add or [], remove or [])
    target.answer(view, _say_changed)


@with_target
def export_person(
    target: Target,
    *,
    profile_id: Annotated[str | None, typer.Argument(metavar="[PROFILE_ID]", help="The profile.")] = None,
    device: Annotated[str | None, typer.Option(metavar="HASH", help="device_token_hash of one of its subscribers.")] = None,
) -> None:
    """Print everything that is kept of one person as one JSON document."""
    if (profile_id is None) == (device is None):
        raise WrongUsage("name one person — give either PROFILE_ID or --device HASH")
    with target.connect() as instance:
        view = instance.export_person(Whom(profile_id, device))
    print_json(view)


@with_target
def erase(
    target: Target,
    *,
    profile_id: ProfileId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask whether that is meant.")] = False,
) -> None:
    """Erase a person for good: profile, subscribers, runs, deliveries, and what log, explanations and exports kept here say of them."""
    if not yes:
        typer.confirm(plain(f"Erase everything that is kept of {profile_id}?"), abort=True, err=True)
    with target.connect() as instance:
        view = instance.erase_person(profile_id)
    target.answer(view, lambda view: typer.echo(plain(f"job {view['job_id']} erases the person — see: clarion jobs show {view['job_id']}")))


def _say_changed(view: View) -> None:
    typer.echo(plain(f"{view.get('profile_id')}: the change is accepted"))


def _say_list(page: View) -> None:
    rows = [(one["profile_id"] or "(anonymous)", one["segments"], one["attributes"], when(one["created"])) for one in page["profiles"]]
    print_table(("profile id", "segments", "attributes", "created"), rows, "no profile fits")
    if page["cursor"]:
        typer.echo(plain(f"There are more: --cursor {page['cursor']}"), err=True)
