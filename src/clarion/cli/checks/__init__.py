"""The checks of `clarion doctor`. Each finds one thing; one that cannot be made has failed, and the others go on."""

from collections.abc import Mapping
from pathlib import Path

from clarion.cli.checks.database import examine_database
from clarion.cli.checks.finding import Finding, broken, guarded
from clarion.cli.checks.machine import directory, disk, master_key, open_files
from clarion.cli.checks.pressure import examine_pressure
from clarion.cli.checks.retention import examine_retention
from clarion.config import load_settings


def examine(data: Path, environ: Mapping[str, str]) -> list[Finding]:
    """Everything there is to find about a data directory and the machine under it."""
    try:
        settings = load_settings(data, environ)
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the settings is the finding
        return [broken("settings", error)]
    always = [
        Finding("settings", "ok", "every setting is known and fits"),
        guarded("directory", lambda: directory(settings)),
    ]
    if not settings.data.is_dir():
        # What lies in the directory is missing with it; to say so once is enough.
        return [*always, guarded("open files", open_files)]
    database = examine_database(settings, environ)
    return [
        *always,
        guarded("master key", lambda: master_key(settings, environ)),
        guarded("disk", lambda: disk(settings)),
        guarded("open files", open_files),
        *database,
        # A database that does not open is one finding.
        *((*examine_pressure(settings), examine_retention(settings)) if len(database) > 1 else ()),
    ]
