"""A move from SQLite to PostgreSQL as the operator sees it: what moves where, a progress bar, what it came to."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from clarion.cli.bars import bars
from clarion.cli.failures import WrongUsage
from clarion.cli.output import print_json, print_table
from clarion.config import POSTGRESQL, SQLITE, Settings, read_database_url, shown_url
from clarion.serve_lock import serve_lock
from clarion.store.moving.move import Moved
from clarion.store.moving.move import move as move_database

if TYPE_CHECKING:
    from rich.progress import Progress


def move(settings: Settings, source: str | None, target: str | None, *, json: bool) -> None:
    """Move a database, or go on with a move; say what it came to. Raises WrongUsage, AlreadyServed, StoreError."""
    path, url = _source(settings, source), _target(settings, target)
    with serve_lock(path), bars(quiet=json, width=28) as progress:
        watcher = _Silent() if progress is None else _Bars(progress)
        moved = asyncio.run(move_database(path, url, settings.partitions, watcher))
    if json:
        print_json(_view(path, url, moved))
    else:
        _tell(path, url, moved)


def _source(settings: Settings, given: str | None) -> Path:
    if given is None:
        raise WrongUsage(f"--to needs --from — name the SQLite database to move, such as --from {SQLITE}clarion.db")
    if _checked("--from", given).startswith(POSTGRESQL):
        raise WrongUsage("--from has to name an SQLite database — only those can be moved")
    path = settings.data / given.removeprefix(SQLITE)
    if not path.exists():
        raise WrongUsage(f"there is no database at {path} — correct --from; a relative path starts at the data directory")
    return path


def _target(settings: Settings, given: str | None) -> str:
    if given is None:
        if not settings.is_shared:
            raise WrongUsage("--from needs --to — name the PostgreSQL database to move to, or set CLARION_DATABASE_URL to it")
        return settings.database_url
    if not _checked("--to", given).startswith(POSTGRESQL):
        raise WrongUsage("--to has to name a PostgreSQL database — write it as postgresql://USER:PASSWORD@HOST/DATABASE")
    return given


def _checked(option: str, given: str) -> str:
    try:
        return read_database_url(given)
    except ValueError as error:
        raise WrongUsage(f"{option} {error}") from None


class _Silent:
    """Nobody looks on."""

    def begun(self, totals: dict[str, int], moved: dict[str, int], *, resumed: bool) -> None:
        pass

    def moved(self, table: str, rows: int) -> None:
        pass

    def compared(self, table: str, rows: int) -> None:
        pass


class _Bars:
    """Two bars: rows moved, rows compared."""

    def __init__(self, progress: "Progress") -> None:
        self._progress = progress
        self._moving = progress.add_task("moving", total=None)
        self._comparing = progress.add_task("comparing", total=None)

    def begun(self, totals: dict[str, int], moved: dict[str, int], *, resumed: bool) -> None:
        if resumed:
            self._progress.console.print(f"Going on with a move that was broken off: {sum(moved.values()):,} rows are there.")
        self._progress.update(self._moving, total=sum(totals.values()), completed=sum(moved.values()))
        self._progress.update(self._comparing, total=sum(totals.values()))

    def moved(self, table: str, rows: int) -> None:
        self._progress.update(self._moving, advance=rows, description=f"moving {table}")

    def compared(self, table: str, rows: int) -> None:
        self._progress.update(self._comparing, advance=rows, description=f"comparing {table}")


def _view(path: Path, url: str, moved: Moved) -> dict[str, object]:
    tables = [{"table": one.table, "source_rows": one.read, "rows": one.rows, "checksum": one.checksum} for one in moved.tables]
    return {"from": str(path), "to": shown_url(url), "partitions": moved.partitions, "resumed": moved.resumed, "tables": tables}


def _tell(path: Path, url: str, moved: Moved) -> None:
    if not moved.tables:
        typer.echo(f"{path} was moved to {shown_url(url)} before; nothing was changed.")
        return
    rows = [(one.table, f"{one.read:,}", f"{one.rows:,}", one.checksum) for one in moved.tables]
    print_table(("table", "rows", "rows there", "checksum of both"), rows, "")
    typer.echo(f"\n{path} is moved to {shown_url(url)}, {moved.partitions} partitions; both have been compared.")
    typer.echo("Serve that one from now on: set CLARION_DATABASE_URL to it. The SQLite file stays as it was; never serve both.")
