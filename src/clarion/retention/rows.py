"""Events of the log as they are exported."""

from typing import Final

import msgspec

from clarion.store.records.entries import LogRow

_NULL: Final = msgspec.Raw(b"null")


class ExportedEvent(msgspec.Struct, frozen=True):
    """One event of the log. Times are UTC microseconds."""

    site: int
    partition: int
    sequence: int
    log_time: int
    id: str
    name: str
    profile: str
    """Key of the profile that it was applied to; empty for an unknown subscriber."""
    data: msgspec.Raw
    """JSON, as it was accepted."""
    timestamp: int | None
    """When the client says that it happened."""
    received: int
    body: msgspec.Raw
    """All of it, as JSON."""


class _Said(msgspec.Struct):
    """What an event's body says."""

    name: str = ""
    data: msgspec.Raw = _NULL
    timestamp: int | None = None


_decode = msgspec.json.Decoder(_Said).decode


def exported(row: LogRow) -> ExportedEvent:
    """A row of the log with what its body says; one that cannot be read is exported with its body alone."""
    try:
        said = _decode(row.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        said = _Said()
    return ExportedEvent(
        row.site,
        row.partition,
        row.sequence or 0,
        row.log_time or 0,
        row.id,
        said.name,
        row.profile,
        said.data,
        said.timestamp,
        row.received,
        row.body,
    )
