"""`clarion init`: make a data directory ready to serve."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.invocation import as_invoked, data_option, invoked
from clarion.cli.output import print_json
from clarion.control.names import PLACEHOLDER_SUBJECT


def init(
    data: options.Data = None,
    name: Annotated[str, typer.Option(help="Name of the first site.")] = "default",
    vapid_subject: options.VapidSubject = PLACEHOLDER_SUBJECT,
    timezone: options.SiteTimezone = "UTC",
    json: options.Json = False,
) -> None:
    """Make a data directory: database, master key, a site, an API key, an example workflow.

    On a directory that is initialised already this changes nothing. With PostgreSQL the database has to be there; a second machine
    needs the master key of the first.
    """
    import os

    from clarion.cli.setup import prepare
    from clarion.config import data_directory, load_settings
    from clarion.vault import MASTER_KEY_FILE

    settings = load_settings(data_directory(data, os.environ))
    made = prepare(settings, name, vapid_subject, timezone)
    if json:
        print_json(
            {"data": str(settings.data), "created": made.key is not None, "site": made.site, "key": made.key, "workflow": made.workflow}
        )
        return
    clarion, where = invoked(), data_option(settings.data)
    if made.key is None:
        ready = settings.database_shown if settings.is_shared else settings.data
        typer.echo(f"{ready} is initialised already; nothing was changed.")
        typer.echo(f"Start the server with: {clarion} serve{where}")
        typer.echo(f"Make another API key with: {clarion} keys create{where} --name NAME")
        return
    typer.echo(f"Initialised {settings.data}: site {made.site['name']}, workflow {made.workflow}.\n")
    typer.echo(f"API key with all scopes, shown only this once:\n\n  {made.key}\n")
    if vapid_subject == PLACEHOLDER_SUBJECT:
        command = options.own_subject(settings.data, made.site["site_id"])
        typer.echo(as_invoked(f"Push services are told to reach you at a placeholder. For real pushes: {command}\n"))
    typer.echo("Next:")
    typer.echo(f"  {clarion} serve{where}")
    typer.echo(f"  {clarion} events send add_to_cart{where} --profile user-1 product_name='Running Shoes' price=99.99")
    typer.echo(f"  {clarion} profiles show user-1{where}")
    typer.echo(f"  {clarion} explain --profile user-1 --workflow {made.workflow}{where}")
    if not (settings.data / MASTER_KEY_FILE).exists():
        return
    typer.echo(f"\nKeep a copy of {settings.data}/{MASTER_KEY_FILE} in a safe place: without it the site's secrets cannot be read.")
    if settings.is_shared:
        typer.echo("Every other machine that serves this database needs the same file in its data directory.")
