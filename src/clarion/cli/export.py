"""`clarion export`: events of a local data directory as files."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clarion.cli import options
from clarion.cli.bars import bars
from clarion.cli.failures import Failure, WrongUsage
from clarion.cli.output import print_json, print_table

if TYPE_CHECKING:
    from rich.progress import Progress

    from clarion.retention.exporting import Manifest
    from clarion.store.port import Store

app = typer.Typer(help="Export: events.", no_args_is_help=True)


class Format(StrEnum):
    """What the files are."""

    NDJSON = "ndjson"
    PARQUET = "parquet"


@app.callback()
def group() -> None:
    """Export: events."""


@app.command("events")
def events(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Directory for the files; it is made if need be.", show_default=False)],
    start: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="TIME",
            help="From this log time on: ISO 8601, in UTC without an offset; by default from the beginning.",
            show_default=False,
        ),
    ] = None,
    end: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Until before this log time; by default until now.", show_default=False)
    ] = None,
    file_format: Annotated[
        Format, typer.Option("--format", help="ndjson: a JSON object a line, gzipped; parquet: columns, written by pyarrow.")
    ] = Format.NDJSON,
    data: options.Data = None,
    site: Annotated[
        str | None, typer.Option("--site", metavar="SITE", help="Id, app id or name of the one site whose events are wanted.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Write the events of a stretch of time to files, with a manifest that has their counts and checksums.

    The server may run meanwhile. The same stretch again makes the same files, in place of the earlier ones; one export at a time into a
    directory.
    """
    import asyncio
    from importlib.util import find_spec

    from clarion.cli.local import local_store
    from clarion.retention.exporting import OPERATOR, Exporter, Manifest, clean
    from clarion.retention.pace import Pace

    if file_format is Format.PARQUET and find_spec("pyarrow") is None:
        raise Failure("Parquet needs pyarrow, which is not installed — run: pip install 'clarion[parquet]', or choose --format ndjson")
    since = 0 if start is None else _instant("--from", start)
    until_given = None if end is None else _instant("--to", end)
    with local_store(data) as local:
        until = local.store.now() if until_given is None else until_given
        if since >= until:
            raise WrongUsage("--from is not before --to — nothing lies between them")
        wanted = None if site is None else local.site(site).id
        with bars(quiet=json) as progress:
            watcher = _watcher(progress)

            async def work() -> Manifest:
                await asyncio.to_thread(clean, out, OPERATOR)
                watcher.begin(await _entries(local.store, since, until))
                exporter = Exporter(
                    local.store, out, file_format.value, Pace(pause=0), site=wanted, temporary=OPERATOR, progress=watcher.advance
                )
                return await exporter.write(since, until)

            try:
                manifest = local.run(work())
            except OSError as error:
                raise Failure(f"{out} cannot be written: {error.strerror or error} — make room, or choose another --out") from None
    _tell(out, manifest, json=json)


def _instant(option: str, text: str) -> int:
    from clarion.domain.dates import instant

    at = instant(text)
    if at is None:
        raise WrongUsage(f"{option} is no time — write it as 2026-05-01 or 2026-05-01T12:00:00Z")
    return at


async def _entries(store: "Store", since: int, until: int) -> int:
    """How many log entries there are to be read, about."""
    count = 0
    for partition in range(store.partitions):
        count += await store.log_place(partition, until) - await store.log_place(partition, since)
    return count


class _Watcher:
    """Nobody looks on, unless there is a bar."""

    def __init__(self, begin: Callable[[int], None] = lambda _: None, advance: Callable[[int], None] = lambda _: None) -> None:
        self.begin, self.advance = begin, advance


def _watcher(progress: "Progress | None") -> _Watcher:
    if progress is None:
        return _Watcher()
    bar = progress.add_task("log entries", total=None)
    return _Watcher(lambda total: progress.update(bar, total=total), lambda count: progress.update(bar, advance=count))


def _tell(out: Path, manifest: "Manifest", *, json: bool) -> None:
    if json:
        print_json(manifest)
        return
    rows = [(file.name, f"{file.events:,}", f"{file.bytes:,}", file.sha256) for file in manifest.files]
    print_table(("file", "events", "bytes", "sha256"), rows, "there are no events in that time")
    if rows:
        count = manifest.events
        typer.echo(f"{count:,} event{' is' if count == 1 else 's are'} in {out}.", err=True)
