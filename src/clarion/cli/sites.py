"""`clarion sites`: the websites and apps of a local data directory."""

from typing import Annotated

import typer

from clarion.cli import options, site_keys
from clarion.cli.failures import WrongUsage
from clarion.cli.invocation import as_invoked
from clarion.cli.output import print_json, print_table, when
from clarion.control.names import PLACEHOLDER_SUBJECT

app = typer.Typer(help="Sites: create, list, show, set; their keys.", no_args_is_help=True)

WhichSite = Annotated[str | None, typer.Argument(metavar="[SITE]", help="Id, app id or name; needed when there are several.")]


@app.command("create")
def create(
    name: Annotated[str, typer.Option(help="Name of the site.")],
    vapid_subject: options.VapidSubject = PLACEHOLDER_SUBJECT,
    timezone: options.SiteTimezone = "UTC",
    data: options.Data = None,
    json: options.Json = False,
) -> None:
    """Make a site with a VAPID key pair, an app id and a webhook secret of its own."""
    from clarion.cli.local import local_store
    from clarion.clock import wall_clock
    from clarion.control.sites import create_site, webhook_secret
    from clarion.control.views import site_view

    with local_store(data) as local:
        vault = local.vault()
        site = local.run(create_site(local.store, vault, name, vapid_subject, wall_clock(), timezone=timezone))
        view = site_view(site) | {"webhook_secret": webhook_secret(vault, site)}
    if vapid_subject == PLACEHOLDER_SUBJECT:
        command = options.own_subject(local.settings.data, site.id)
        typer.echo(as_invoked(f"Push services are told to reach you at a placeholder; for real pushes: {command}"), err=True)
    _show(view, json=json)


@app.command("list")
def list_(data: options.Data = None, json: options.Json = False) -> None:
    """Show every site, without its secrets."""
    from clarion.cli.local import local_store
    from clarion.control.views import site_view

    with local_store(data) as local:
        sites = local.run(local.store.configuration()).sites
    if json:
        print_json([site_view(site) for site in sites])
        return
    rows = [(site.id, site.name, site.app_id, site.timezone, when(site.created)) for site in sites]
    print_table(("id", "name", "app id", "timezone", "created"), rows, "there is no site — run: clarion init")


@app.command("show")
def show(
    site: WhichSite = None,
    data: options.Data = None,
    json: options.Json = False,
) -> None:
    """Show one site with the secret that its receivers check signatures with."""
    from clarion.cli.local import local_store
    from clarion.control.sites import webhook_secret
    from clarion.control.views import site_view

    with local_store(data) as local:
        found = local.site(site)
        view = site_view(found) | {"webhook_secret": webhook_secret(local.vault(), found)}
    _show(view, json=json)


@app.command("set")
def set_(
    *,
    site: WhichSite = None,
    name: Annotated[str | None, typer.Option(help="Another name.", show_default=False)] = None,
    timezone: Annotated[str | None, typer.Option(metavar="ZONE", help="IANA time zone of the site.", show_default=False)] = None,
    frequency_cap: Annotated[
        str | None,
        typer.Option(
            metavar="PUSHES/TIME",
            help="At most so many pushes to one profile in a stretch of time, such as 3/1d; or none.",
            show_default=False,
        ),
    ] = None,
    vapid_subject: Annotated[
        str | None,
        typer.Option(metavar="URI", help="mailto: or https: URI where push services can reach you (RFC 8292).", show_default=False),
    ] = None,
    origin: Annotated[
        list[str] | None,
        typer.Option(metavar="ORIGIN", help="Origin whose pages may use /p/v1; several times for several, once `any`.", show_default=False),
    ] = None,
    dangerous_unsigned_profiles: Annotated[
        bool | None,
        typer.Option(
            "--dangerous-unsigned-profiles/--signed-profiles",
            help="Let /p/v1 take a profile_id without a signature, or not.",
            show_default=False,
        ),
    ] = None,
    data: options.Data = None,
    server: options.Server = None,
    key: options.Key = None,
    json: options.Json = False,
) -> None:
    """Change settings of a site; what is not named stays. With --server, of the site that the key belongs to."""
    from clarion.cli.instance import connect

    named = (("name", name), ("timezone", timezone), ("vapid_subject", vapid_subject))
    settings: dict[str, object] = {field: value for field, value in named if value is not None}
    if frequency_cap is not None:
        settings["frequency_cap"] = _read_cap(frequency_cap)
    if origin:
        settings["origins"] = [] if origin == ["any"] else origin
    if dangerous_unsigned_profiles is not None:
        settings["dangerous_unsigned_profiles"] = dangerous_unsigned_profiles
    if not settings:
        raise WrongUsage("there is nothing to set — give --name, --timezone, --frequency-cap, --vapid-subject or --origin")
    with connect(data, server, key, site) as instance:
        view = instance.change_site(settings)
    _show(view, json=json)


app.command("keys")(site_keys.keys)
app.command("rotate-vapid")(site_keys.rotate_vapid)
app.command("rotate-identity")(site_keys.rotate_identity)
app.command("set-fcm")(site_keys.set_fcm)
app.command("set-apns")(site_keys.set_apns)
app.command("remove-key")(site_keys.remove_key)


def _read_cap(text: str) -> dict[str, object] | None:
    """`3/1d` or `none`; the numbers are judged where every setting is."""
    if text == "none":
        return None
    pushes, slash, per = text.partition("/")
    if not slash or not pushes.isascii() or not pushes.isdigit() or len(pushes) > 9:
        raise WrongUsage("--frequency-cap needs pushes/time, such as 3/1d, or none")
    return {"pushes": int(pushes), "per": per}


def _show(view: dict[str, object], *, json: bool) -> None:
    if json:
        print_json(view)
        return
    print_table(("property", "value"), [(name.replace("_", " "), _shown(name, value)) for name, value in view.items()], "")


def _shown(name: str, value: object) -> object:
    """A setting as `sites set` takes it, a time as everywhere."""
    if name == "frequency_cap":
        return f"{value['pushes']}/{value['per']}" if isinstance(value, dict) else "none"
    return when(value) if name == "created" else value
