"""`clarion migrate`: bring the database to this version, move one to PostgreSQL, spread one over a Citus cluster."""

from typing import Annotated

import typer

from clarion.cli import options
from clarion.cli.failures import Failure, WrongUsage


def migrate(
    data: options.Data = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="URL", help="Move this SQLite database, such as sqlite:///clarion.db, to PostgreSQL.", show_default=False
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--to",
            metavar="URL",
            help="PostgreSQL database to move to; an empty one. [default: the setting database_url]",
            show_default=False,
        ),
    ] = None,
    distributed: Annotated[bool, typer.Option("--distributed", help="Spread the tables over the workers of a Citus cluster.")] = False,
    json: options.Json = False,
) -> None:
    """Bring the database of a data directory to this version. On one that is up to date this changes nothing.

    With --from and --to: move an SQLite database to PostgreSQL. Stop its server first. A move that was broken off goes on when the
    command is given again; the SQLite file stays as it is.
    """
    import os

    from clarion.cli.output import print_json
    from clarion.config import data_directory, load_settings
    from clarion.stores import distribute_store, is_made, migrate_store

    settings = load_settings(data_directory(data, os.environ))
    if source is not None or target is not None:
        from clarion.cli.moving import move

        if distributed:
            raise WrongUsage("--distributed stands alone — spread the tables first, then move")
        move(settings, source, target, json=json)
        return
    if distributed:
        if not settings.is_shared:
            raise WrongUsage("--distributed is for PostgreSQL with Citus — name the database with CLARION_DATABASE_URL")
        is_made(settings)
        migrate_store(settings)
        done = "spread over the cluster" if distribute_store(settings) else "spread over the cluster already"
    else:
        # On PostgreSQL somebody else has made the database: what is missing are its tables.
        if not is_made(settings) and not settings.is_shared:
            raise Failure(f"there is no database at {settings.database_shown} — run: clarion init")
        migrate_store(settings)
        done = "up to date"
    if json:
        print_json({"database": settings.database_shown, "distributed": distributed})
        return
    typer.echo(f"{settings.database_shown} is {done}.")
