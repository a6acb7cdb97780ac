"""`clarion keys`: API keys of a site, in a local data directory."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.output import print_json, print_table, when

app = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scopes: Annotated[str, typer.Option(help="Some of events,read,write,admin, separated by commas; admin may do everything.")] = "events",
    data: options.Data = None,
    site: options.SiteName = None,
    json: options.Json = False,
) -> None:
    """Make an API key. It is shown here and never again."""
    from clarion.cli.local import local_store
    from clarion.clock import wall_clock
    from clarion.control.api_keys import create_key
    from clarion.control.scopes import read_scopes
    from clarion.control.views import key_view

    wanted = read_scopes(scopes.split(","))
    with local_store(data) as local:
        secret, key = local.run(create_key(local.store, local.site(site), name, wanted, wall_clock()))
    if json:
        print_json({"key": secret} | key_view(key))
        return
    typer.echo(secret)
    typer.echo(f"API key {key.name} with {', '.join(key.scopes)}; it cannot be shown again.", err=True)


@app.command("list")
def list_(data: options.Data = None, site: options.SiteName = None, json: options.Json = False) -> None:
    """Show every API key's name, first characters, scopes and last use."""
    from clarion.cli.local import local_store
    from clarion.control.api_keys import list_keys
    from clarion.control.views import key_view

    with local_store(data) as local:
        keys = local.run(list_keys(local.store, local.site(site)))
    if json:
        print_json([key_view(key) for key in keys])
        return
    rows = [(key.id, key.name, key.prefix + "…", key.scopes, when(key.created), when(key.last_used), when(key.revoked)) for key in keys]
    print_table(
        ("id", "name", "key", "scopes", "created", "last used", "revoked"),
        rows,
        "there is no API key — run: clarion keys create --name NAME",
    )


@app.command("revoke")
def revoke(
    key: Annotated[str, typer.Argument(metavar="KEY", help="Id of the key, or its beginning as `keys list` shows it, or all of it.")],
    data: options.Data = None,
    site: options.SiteName = None,
    json: options.Json = False,
) -> None:
    """End an API key for good. Revoking it again changes nothing."""
    from clarion.cli.local import local_store
    from clarion.clock import wall_clock
    from clarion.control.api_keys import find_key, revoke_key
    from clarion.control.views import key_view

    with local_store(data) as local:
        owner = local.site(site)
        found = local.run(find_key(local.store, owner, key))
        revoked = local.run(revoke_key(local.store, owner, found.id, wall_clock()))
    if json:
        print_json(key_view(revoked))
        return
    typer.echo(f"API key {revoked.name} ({revoked.prefix}…) is revoked since {when(revoked.revoked)}.")
