"""`clarion sites keys|rotate-vapid|rotate-identity|set-fcm|set-apns|remove-key`: keys of a site."""

from typing import Annotated

import typer

from clarion.cli.json_option import read_file, read_object
from clarion.cli.output import View, plain, print_table, when
from clarion.cli.target import Target, with_target


@with_target
def keys(target: Target) -> None:
    """Show a site's keys beside its current VAPID key, without what is secret."""
    with target.connect() as instance:
        views = instance.site_keys()
    target.answer(views, _say_keys)


@with_target
def rotate_vapid(
    target: Target,
    *,
    vapid_subject: Annotated[
        str | None,
        typer.Option(metavar="URI", help="mailto: or https: URI where push services can reach you from now on.", show_default=False),
    ] = None,
) -> None:
    """Give a site a new VAPID key. Subscribers of earlier ones are kept, and sent to with the key that they subscribed with."""
    with target.connect() as instance:
        view = instance.rotate_vapid(vapid_subject)
    target.answer(view, lambda view: typer.echo(plain(f"VAPID key {view['vapid']}: {view['vapid_public_key']}")))


@with_target
def rotate_identity(target: Target) -> None:
    """Give a site a new secret that signs profile_ids, in place of an earlier one. It is shown here and never again."""
    with target.connect() as instance:
        view = instance.rotate_identity()
    target.answer(view, lambda view: typer.echo(view["identity_secret"]))


@with_target
def set_fcm(
    target: Target,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="JSON key file of the service account; - is standard input.")],
) -> None:
    """Keep the Google service account that sends to the site's Android apps."""
    account = read_object("FILE", f"@{file}")
    with target.connect() as instance:
        view = instance.set_fcm(account)
    target.answer(view, _say_key)


@with_target
def set_apns(
    target: Target,
    *,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The .p8 file; - is standard input.")],
    key_id: Annotated[str, typer.Option(help="The key's id, ten characters.")],
    team_id: Annotated[str, typer.Option(help="The team's id, ten characters.")],
    topic: Annotated[str, typer.Option(help="The app's bundle id.")],
    sandbox: Annotated[bool, typer.Option("--sandbox", help="For apps that were not installed from the store.")] = False,
) -> None:
    """Keep the Apple key that sends to the site's iOS app."""
    key = read_file("FILE", file).decode("utf-8", "replace")
    given = {"key": key, "key_id": key_id, "team_id": team_id, "topic": topic, "sandbox": sandbox}
    with target.connect() as instance:
        view = instance.set_apns(given)
    target.answer(view, _say_key)


@with_target
def remove_key(target: Target, *, kind: Annotated[str, typer.Argument(metavar="KIND", help="identity, fcm or apns.")]) -> None:
    """Forget a key of a site."""
    with target.connect() as instance:
        instance.remove_site_key(kind)
    target.answer({}, lambda _: typer.echo(plain(f"the {kind} key is removed")))


def _say_keys(views: list[View]) -> None:
    rows = [(one["kind"], one["number"], one["public"], when(one["changed"])) for one in views]
    print_table(("kind", "number", "known by", "changed"), rows, "the site has no keys beside its current VAPID key")


def _say_key(view: View) -> None:
    typer.echo(plain(f"{view['kind']}: {view['public']}"))
