"""Takes a person out of files of exported events: each is written anew under a temporary name and put in its own place."""

import gzip
import hashlib
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from clarion.retention.exporting import ExportedFile, Manifest
from clarion.retention.files import FORMATS, put_in_place, write_durably
from clarion.retention.naming import Named, names
from clarion.retention.rows import ExportedEvent
from clarion.store.records.entries import EntryKind, LogRow

TEMPORARY: Final = ".erasure-"
AT_ONCE: Final = 1_000
"""Events in memory."""


def erase_from_files(directory: Path, site: int, person: Named) -> int:
    """Take a person of a site out of all files of a directory that have manifests; returns how many files had something of the person.

    Broken off, it goes on where it is called again: a file that holds nothing of the person stays as it is. Works in a thread.
    Raises OSError.
    """
    if not directory.is_dir():
        return 0
    for left in directory.glob(f"{TEMPORARY}*"):
        left.unlink(missing_ok=True)
    changed = 0
    for path in sorted(directory.glob("*.manifest.json")):
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
        files = [_erase(directory, file, manifest.format, site, person) for file in manifest.files]
        if files != manifest.files:
            changed += sum(one != other for one, other in zip(files, manifest.files, strict=True))
            manifest = msgspec.structs.replace(manifest, events=sum(file.events for file in files), files=files)
            content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
            temporary = _temporary(directory)
            write_durably(temporary, content)
            put_in_place(temporary, path)
    return changed


def _erase(directory: Path, file: ExportedFile, file_format: str, site: int, person: Named) -> ExportedFile:
    """The file as it is then. Its name, which says which stretch of the log it was made of, stays."""
    path = directory / file.name
    if not path.exists() or not any(_is_about(event, site, person) for event in _events(path, file_format)):
        return _as_it_is(path, file, file_format)
    temporary = _temporary(directory)
    written = FORMATS[file_format][0](temporary)
    waiting: list[ExportedEvent] = []
    try:
        for event in _events(path, file_format):
            if not _is_about(event, site, person):
                waiting.append(event)
            if len(waiting) == AT_ONCE:
                written.write(waiting)
                waiting = []
        written.write(waiting)
        written.finish()
    except BaseException:
        written.abandon()
        temporary.unlink(missing_ok=True)
        raise
    put_in_place(temporary, path)
    return _as_it_is(path, file, file_format)


def _as_it_is(path: Path, file: ExportedFile, file_format: str) -> ExportedFile:
    """What the manifest has to say of a file: it may have been written anew before a crash, and the manifest not."""
    if not path.exists():
        return file
    with path.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    if sha256 == file.sha256:
        return file
    events = sum(1 for _ in _events(path, file_format))
    return msgspec.structs.replace(file, events=events, bytes=path.stat().st_size, sha256=sha256)


def _is_about(event: ExportedEvent, site: int, person: Named) -> bool:
    if event.site != site:
        return False
    row = LogRow(event.sequence, event.log_time, EntryKind.EVENT, event.site, event.id, event.body, event.received, event.profile)
    return person.is_about(event.profile, names(row))


def _temporary(directory: Path) -> Path:
    return directory / f"{TEMPORARY}{secrets.token_hex(8)}"


def _events(path: Path, file_format: str) -> Iterator[ExportedEvent]:
    yield from _READERS[file_format](path)


def _from_ndjson(path: Path) -> Iterator[ExportedEvent]:
    decode = msgspec.json.Decoder(ExportedEvent).decode
    with gzip.open(path, "rb") as opened:
        for line in opened:
            yield decode(line)


def _from_parquet(path: Path) -> Iterator[ExportedEvent]:
    from pyarrow import parquet  # type: ignore[import-untyped]  # it carries no types

    with parquet.ParquetFile(path) as opened:
        for batch in opened.iter_batches(AT_ONCE):
            times = {name: batch.column(name).cast("int64").to_pylist() for name in ("log_time", "timestamp", "received")}
            for place, row in enumerate(batch.drop_columns(list(times)).to_pylist()):
                yield _event({**row, **{name: values[place] for name, values in times.items()}})


def _event(row: dict[str, Any]) -> ExportedEvent:
    return ExportedEvent(**{**row, "data": msgspec.Raw(row["data"].encode()), "body": msgspec.Raw(row["body"].encode())})


_READERS: Final = {"ndjson": _from_ndjson, "parquet": _from_parquet}
