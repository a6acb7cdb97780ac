"""Files of events: NDJSON, gzipped, or Parquet. The same events make the same bytes."""

import gzip
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol

import msgspec

from clarion.retention.rows import ExportedEvent

_LEVEL: Final = 4
"""Of gzip: a third more would take twice as long for a tenth less."""
_GROUP_ROWS: Final = 20_000
_GROUP_BYTES: Final = 32 * 1024 * 1024
"""A row group of a Parquet file is full with so many rows, or bytes of bodies; it is held in memory until then."""

_encode_lines = msgspec.json.Encoder().encode_lines


class EventFile(Protocol):
    """A file that is being written."""

    def write(self, events: Sequence[ExportedEvent]) -> None:
        """Add events. Raises OSError."""

    def finish(self) -> None:
        """Write what is left, see that it is on disk, and close. Raises OSError."""

    def abandon(self) -> None:
        """Close; what was written is of no use."""


class NdjsonFile:
    """A JSON object a line."""

    def __init__(self, path: Path) -> None:
        self._file = _create(path)
        # Neither name nor time go into the header (RFC 1952 §2.3.1).
        self._gzip = gzip.GzipFile(filename="", mode="wb", compresslevel=_LEVEL, fileobj=self._file, mtime=0)

    def write(self, events: Sequence[ExportedEvent]) -> None:
        self._gzip.write(_encode_lines(events))

    def finish(self) -> None:
        self._gzip.close()
        _close(self._file)

    def abandon(self) -> None:
        self._file.close()


class ParquetFile:
    """Columns; `data` and `body` are JSON text, times are timestamps in UTC. Needs pyarrow."""

    def __init__(self, path: Path) -> None:
        import pyarrow  # type: ignore[import-untyped]  # it carries no types
        from pyarrow import parquet

        time = pyarrow.timestamp("us", tz="UTC")
        self._schema = pyarrow.schema(
            [
                pyarrow.field("site", pyarrow.int64(), nullable=False),
                pyarrow.field("partition", pyarrow.int32(), nullable=False),
                pyarrow.field("sequence", pyarrow.int64(), nullable=False),
                pyarrow.field("log_time", time, nullable=False),
                pyarrow.field("id", pyarrow.string(), nullable=False),
                pyarrow.field("name", pyarrow.string(), nullable=False),
                pyarrow.field("profile", pyarrow.string(), nullable=False),
                pyarrow.field("data", pyarrow.string(), nullable=False),
                pyarrow.field("timestamp", time),
                pyarrow.field("received", time, nullable=False),
                pyarrow.field("body", pyarrow.string(), nullable=False),
            ]
        )
        self._table: Any = pyarrow.table
        self._file = _create(path)
        self._writer = parquet.ParquetWriter(self._file, self._schema, compression="zstd")
        self._waiting: list[ExportedEvent] = []
        self._bytes = 0

    def write(self, events: Sequence[ExportedEvent]) -> None:
        self._waiting += events
        self._bytes += sum(len(bytes(event.body)) for event in events)
        if len(self._waiting) >= _GROUP_ROWS or self._bytes >= _GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        columns = {name: [_cell(getattr(event, name)) for event in self._waiting] for name in self._schema.names}
        self._writer.write_table(self._table(columns, schema=self._schema))
        self._waiting, self._bytes = [], 0

    def finish(self) -> None:
        if self._waiting:
            self._write_group()
        self._writer.close()
        _close(self._file)

    def abandon(self) -> None:
        self._waiting = []
        self._file.close()


def _cell(value: object) -> object:
    return bytes(value).decode() if isinstance(value, msgspec.Raw) else value


FORMATS: Final[Mapping[str, tuple[Callable[[Path], EventFile], str]]] = {
    "ndjson": (NdjsonFile, ".ndjson.gz"),
    "parquet": (ParquetFile, ".parquet"),
}
"""By the name of the format: what writes it, and how its files' names end."""


def write_durably(path: Path, content: bytes) -> None:
    """Make a file with some content; it is on disk when this returns. Raises OSError."""
    file = _create(path)
    try:
        file.write(content)
    finally:
        _close(file)


def put_in_place(temporary: Path, final: Path) -> None:
    """Give a file that is on disk its name, in place of any that had it, for good. Raises OSError."""
    temporary.replace(final)
    directory = os.open(final.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def _create(path: Path) -> IO[bytes]:
    """A new file, in place of any of this name, that its owner alone may read: it holds what people did."""
    path.unlink(missing_ok=True)
    return os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb")


def _close(file: IO[bytes]) -> None:
    with file:
        file.flush()
        os.fsync(file.fileno())
