"""`clarion migrate`: bring the database to this version."""

import typer

from clarion.cli import options


def migrate(data: options.Data = None) -> None:
    """Bring the database of a data directory to this version. On one that is up to date this changes nothing."""
    import os

    from clarion.cli.failures import Failure
    from clarion.config import data_directory, load_settings
    from clarion.stores import migrate_store

    settings = load_settings(data_directory(data, os.environ))
    if not settings.database.exists():
        raise Failure(f"there is no database at {settings.database} — run: clarion init")
    migrate_store(settings)
    typer.echo(f"{settings.database} is up to date.")
