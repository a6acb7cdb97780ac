"""`clarion profiles import|export` and `clarion subscribers import|export`: files of people."""

import csv
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Annotated, BinaryIO, Final

import typer

from clarion.cli.bars import bars
from clarion.cli.failures import FAILED, Failure, WrongUsage
from clarion.cli.instance import Instance
from clarion.cli.output import View, plain, print_table
from clarion.cli.target import Target, with_target
from clarion.contract.limits import IMPORT_ROW_BYTES
from clarion.control.csv_records import records

CHUNK_ROWS: Final = 500
CHUNK_BYTES: Final = 900_000
LONGEST_LINE: Final = 1_048_576
TOO_LONG: Final = b"x" * (IMPORT_ROW_BYTES + 1)
PAGE: Final = 1_000

File = Annotated[Path, typer.Argument(metavar="FILE", help="CSV or NDJSON, by its suffix: .csv, .ndjson or .jsonl.")]
Resume = Annotated[str | None, typer.Option("--job", metavar="ID", help="Go on with an import that was broken off.")]
Addresses = Annotated[bool, typer.Option("--addresses", help="With what is needed to send to them; such a file is a secret.")]


def importing(what: str) -> Callable[..., None]:
    """The command that imports files of `what`."""

    @with_target
    def import_(target: Target, *, file: File, job: Resume = None) -> None:
        """Import a file. Each row is taken or refused by itself; run again with --job, it goes on and takes no row twice."""
        form = _form(file)
        with _opened(file, "rb") as source, target.connect() as instance:
            view = instance.start_import(what, file.name[:100]) if job is None else instance.job(job)
            view = _feed(instance, view, source, form, file.stat().st_size, quiet=target.json)
            view = instance.end_import(str(view["job_id"]), "done")
        target.answer(view, _say_import)
        if view["detail"]["refused"]:
            raise typer.Exit(FAILED)

    return import_


def exporting(what: str) -> Callable[..., None]:
    """The command that exports `what` to a file."""

    def write(target: Target, file: Path, *, addresses: bool) -> None:
        form = _form(file)
        rows, cursor = 0, None
        # addresses are what somebody could push with: nobody else may read them
        with target.connect() as instance, _opened(file, "xb") as out, bars(quiet=target.json) as progress:
            task = None if progress is None else progress.add_task(f"exporting {what}", total=None)
            while True:
                content, cursor = instance.export_page(what, form, cursor, PAGE, addresses=addresses)
                lines = content.splitlines(keepends=True)
                if form == "csv" and rows:
                    content = content[len(lines[0]) :]
                out.write(content)
                rows += _rows_of(content, form) - (1 if form == "csv" and not rows else 0)
                if progress is not None and task is not None:
                    progress.update(task, completed=rows)
                if cursor is None:
                    break
        target.answer({"file": str(file), "rows": rows}, lambda view: typer.echo(plain(f"{view['rows']} {what} written to {view['file']}")))

    if what == "profiles":

        @with_target
        def export(target: Target, *, file: File) -> None:
            """Export every profile that has a profile_id to a new file, in the form that `profiles import` takes."""
            write(target, file, addresses=False)

        return export

    @with_target
    def export_subscribers(target: Target, *, file: File, addresses: Addresses = False) -> None:
        """Export every subscriber to a new file; with --addresses, in the form that `subscribers import` takes."""
        write(target, file, addresses=addresses)

    return export_subscribers


def _feed(instance: Instance, view: View, source: BinaryIO, form: str, size: int, *, quiet: bool) -> View:
    """Send the rows that the import has not got."""
    done = int(view["detail"]["rows"])
    with bars(quiet=quiet) as progress:
        task = None if progress is None else progress.add_task("importing", total=size)
        for offset, count, content, at in _chunks(source, form):
            if offset + count > done or not count:
                view = instance.import_rows(str(view["job_id"]), offset, content, form)
                if view["detail"]["rows"] != offset + count:
                    raise Failure(
                        f"the server has {view['detail']['rows']} rows of the first {offset + count} — has the file changed? Import it anew"
                    )
            if progress is not None and task is not None:
                progress.update(task, completed=at)
    return view


def _chunks(source: BinaryIO, form: str) -> Iterator[tuple[int, int, bytes, int]]:
    """Pieces of a file: rows before it, rows in it, content, and how far into the file it goes."""
    header = b""
    offset = 0
    rows: list[bytes] = []
    size = at = 0
    for record in _records(source, form):
        at += len(record)
        if form == "csv" and not header:
            header = record if record.endswith(b"\n") else record + b"\n"
            continue
        if not record.strip():
            continue
        if rows and (len(rows) == CHUNK_ROWS or size + len(record) > CHUNK_BYTES):
            yield offset, len(rows), header + b"".join(rows), at
            offset, rows, size = offset + len(rows), [], 0
        row = TOO_LONG if len(record) > CHUNK_BYTES else record  # which is refused as the row itself would be
        rows.append(row if row.endswith(b"\n") else row + b"\n")
        size += len(row)
    if form == "csv" and not header:
        raise Failure("the file is empty — its first line has to name the columns")
    if rows or (header and not offset):  # a header alone, which the server judges
        yield offset, len(rows), header + b"".join(rows), at


def _records(source: BinaryIO, form: str) -> Iterator[bytes]:
    """Lines; of CSV those together that are one row, as the server cuts them."""
    if form != "csv":
        yield from _lines(source)
        return
    for record in records(line.decode(errors="surrogateescape") for line in _lines(source)):
        yield record.text.encode(errors="surrogateescape")


def _lines(source: BinaryIO) -> Iterator[bytes]:
    """Lines, of which none is longer than fits into memory; of one that is, the end is left out."""
    while line := source.readline(LONGEST_LINE):
        while line[-1:] != b"\n" and (rest := source.readline(LONGEST_LINE)):
            line = line[:LONGEST_LINE] + rest[-1:]
        yield line


def _rows_of(content: bytes, form: str) -> int:
    if form == "csv":
        return sum(1 for _ in csv.reader(StringIO(content.decode(), newline="")))
    return content.count(b"\n")


def _form(file: Path) -> str:
    suffix = file.suffix.lower()
    if suffix == ".csv":
        return "csv"
    if suffix in (".ndjson", ".jsonl"):
        return "ndjson"
    raise WrongUsage(f"{file.name} ends in neither .csv nor .ndjson or .jsonl — name the file so")


def _opened(file: Path, mode: str) -> BinaryIO:
    try:
        if mode == "xb":
            import os

            return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
        return file.open("rb")
    except FileExistsError:
        raise Failure(f"{file} exists already — name another file") from None
    except OSError as error:
        raise Failure(f"{file} cannot be opened: {error.strerror} — check the path") from None


def _say_import(view: View) -> None:
    detail = view["detail"]
    typer.echo(plain(f"job {view['job_id']}: {detail['accepted']} rows taken, {detail['refused']} refused"))
    if detail["report"]:
        print_table(("row", "field", "reason"), [(one["row"], one["field"] or "-", one["reason"]) for one in detail["report"]], "")
