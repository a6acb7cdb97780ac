"""Writes stretches of the log to files, so that a crash at any point leads neither to loss nor to doubles.

A file is written under a temporary name, brought to disk, and renamed. Its name says which events are in it; so the same stretch, written
again after a crash, replaces the same files. The manifest of a stretch is written last.
"""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from clarion.retention.files import FORMATS, EventFile, put_in_place, write_durably
from clarion.retention.pace import Pace
from clarion.retention.rows import ExportedEvent, exported
from clarion.store.port import Store
from clarion.store.records.entries import EntryKind

PAGE: Final = 1_000
"""Log entries that are read at once."""
MOST_ROWS: Final = 1_000_000
"""Events in one file; what is beyond begins the next one."""

RETENTION: Final = ".retention-"
OPERATOR: Final = ".export-"
"""How temporary names begin: of a server's own exports, and of those that an operator asks for.

They go on with what nobody else has: a process that stood still and wakes up must not take the file of the one that does its work by now
for its own.
"""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

Result = TypeVar("Result")


class ExportedFile(msgspec.Struct, frozen=True):
    """A file of events that is whole and on disk."""

    name: str
    events: int
    bytes: int
    sha256: str
    first: tuple[int, int]
    """(partition, sequence) of the first event; events are in this order."""
    last: tuple[int, int]


class Manifest(msgspec.Struct, frozen=True):
    """What was written of a stretch of the log."""

    start: str
    """ISO 8601, UTC; the stretch goes from this log time …"""
    end: str
    """… to this one, which is not in it any more."""
    format: str
    events: int
    files: list[ExportedFile]


class Exporter:
    """Exports events of the log, of all sites or of one."""

    def __init__(
        self,
        store: Store,
        directory: Path,
        file_format: str,
        pace: Pace,
        *,
        site: int | None = None,
        temporary: str = OPERATOR,
        most_rows: int = MOST_ROWS,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        """`file_format` is one of `FORMATS`. `progress` is told of how many log entries were read."""
        self._store, self._directory, self._format, self._pace = store, directory, file_format, pace
        self._site, self._most_rows, self._progress = site, most_rows, progress
        self._temporary = f"{temporary}{secrets.token_hex(8)}-"

    async def write(self, start: int, end: int) -> Manifest:
        """Write what was logged from `start` until before `end`. Nothing is written where there were no events.

        Raises StoreError, OSError, and what pyarrow raises; then nothing counts as written.
        """
        stretch = _Stretch(self._directory, self._format, self._name(start), self._temporary, self._most_rows)
        try:
            await _apart(stretch.prepare)
            for partition in range(self._store.partitions):
                await self._write_partition(stretch, partition, start, end)
            files = await _apart(stretch.finish)
        finally:
            await _apart(stretch.abandon)
        manifest = Manifest(_iso(start), _iso(end), self._format, sum(file.events for file in files), files)
        if files:
            name = f"{self._name(start)}_{_stamp(end)}.manifest.json"
            content = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
            await _apart(lambda: _place(self._directory / f"{self._temporary}manifest", self._directory / name, content))
        return manifest

    async def _write_partition(self, stretch: "_Stretch", partition: int, start: int, end: int) -> None:
        after = await self._store.log_place(partition, start)
        while True:
            began = self._pace.began()
            page = await self._store.log_page(partition, after, end, PAGE)
            if not page:
                return
            events = [row for row in page if row.kind is EntryKind.EVENT and self._site in (None, row.site)]
            if events:
                await _apart(lambda events=events: stretch.write([exported(row) for row in events]))  # type: ignore[misc]
            after = page[-1].sequence or 0
            self._progress(len(page))
            await self._pace.rest(began)

    def _name(self, start: int) -> str:
        return f"events_{_stamp(start)}" if self._site is None else f"events_site{self._site}_{_stamp(start)}"


class _Stretch:
    """The files of one stretch, one after the other. Works in a thread; each call is short."""

    def __init__(self, directory: Path, file_format: str, name: str, temporary: str, most_rows: int) -> None:
        self._directory, self._name, self._most_rows = directory, name, most_rows
        self._create, self._suffix = FORMATS[file_format]
        self._part = directory / f"{temporary}{name}"
        self._file: EventFile | None = None
        self._first: ExportedEvent
        self._last: ExportedEvent
        self._rows = 0
        self._files: list[ExportedFile] = []

    def prepare(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, events: Sequence[ExportedEvent]) -> None:
        while events:
            now, events = events[: self._most_rows - self._rows], events[self._most_rows - self._rows :]
            if self._file is None:
                self._file, self._first = self._create(self._part), now[0]
            self._file.write(now)
            self._last = now[-1]
            self._rows += len(now)
            if self._rows == self._most_rows:
                self._end_file()

    def finish(self) -> list[ExportedFile]:
        if self._file is not None:
            self._end_file()
        return self._files

    def abandon(self) -> None:
        """Leave no half-written file behind."""
        if self._file is not None:
            self._file.abandon()
            self._file = None
        with contextlib.suppress(OSError):  # what was wrong before is what has to be told
            self._part.unlink(missing_ok=True)

    def _end_file(self) -> None:
        assert self._file is not None  # noqa: S101 - its callers have seen to it
        self._file.finish()
        self._file = None
        first, last = (self._first.partition, self._first.sequence), (self._last.partition, self._last.sequence)
        name = f"{self._name}_{first[0]}-{first[1]}_{last[0]}-{last[1]}{self._suffix}"
        with self._part.open("rb") as written:
            sha256 = hashlib.file_digest(written, "sha256").hexdigest()
        size = self._part.stat().st_size
        put_in_place(self._part, self._directory / name)
        self._files.append(ExportedFile(name, self._rows, size, sha256, first, last))
        self._rows = 0


def clean(directory: Path, temporary: str) -> None:
    """Remove what exports left half-written when they were broken off. Raises OSError."""
    if directory.is_dir():
        for left in directory.glob(f"{temporary}*"):
            left.unlink(missing_ok=True)


def _place(temporary: Path, final: Path, content: bytes) -> None:
    write_durably(temporary, content)
    put_in_place(temporary, final)


async def _apart(work: Callable[[], Result]) -> Result:
    """Do something with files in a thread. Whoever is cancelled meanwhile waits for its end: nobody closes a file under it."""
    task = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with contextlib.suppress(Exception):
            await asyncio.wait([task])
        raise


def _stamp(at: int) -> str:
    return f"{_EPOCH + timedelta(microseconds=at):%Y%m%dT%H%M%SZ}"


def _iso(at: int) -> str:
    return (_EPOCH + timedelta(microseconds=at)).isoformat()
