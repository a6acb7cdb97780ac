"""Rows of people in files: a JSON object a line, or CSV whose columns make the same object."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from clarion.contract.flat import is_key
from clarion.contract.limits import FACTS, IMPORT_ROW_BYTES, KEY_CHARACTERS, MAX_IMPORT_ROWS
from clarion.contract.reading import NotJson, read_json
from clarion.control.csv_records import Record, records
from clarion.control.errors import Invalid
from clarion.control.formulas import neutral, restored
from clarion.domain.problems import did_you_mean

WHAT: Final = ("profiles", "subscribers")
_PROFILE: Final = ("profile_id", "attributes", "segments")
_SUBSCRIBER: Final = ("device_token_hash", "provider", "token", "endpoint", "p256dh", "auth", "vapid_public_key", "active", *FACTS)
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {"profiles": _PROFILE, "subscribers": (*_SUBSCRIBER, *_PROFILE)}
"""That a CSV file may have, beside `attributes.NAME`, `attributes.NAME:number` and `attributes.NAME:boolean`."""
MOST_COLUMNS: Final = 250
_SUBSCRIPTION: Final = ("endpoint", "p256dh", "auth")
_TYPES: Final = ("text", "number", "boolean")
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_TOO_LONG: Final = f"row must be at most {IMPORT_ROW_BYTES} bytes"


class RowRefused(ValueError):
    """A row cannot be read: in which field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


Row = dict[str, Any] | RowRefused


def rows_from_lines(body: bytes) -> list[Row]:
    """The rows of NDJSON; blank lines are none. Raises Invalid for more than MAX_IMPORT_ROWS."""
    lines = [line for line in body.removeprefix(_BYTE_ORDER_MARK).split(b"\n") if line.strip()]
    _require_few(len(lines))
    return [_row_from_json(line) for line in lines]


def rows_from_array(body: bytes) -> list[Row]:
    """The rows of a JSON array. Raises Invalid where there is none, or for more than MAX_IMPORT_ROWS."""
    try:
        value = read_json(body)
    except NotJson:
        value = None
    if not isinstance(value, list):
        raise Invalid("rows", "the body must be a JSON array of objects, NDJSON or CSV")
    _require_few(len(value))
    return [one if isinstance(one, dict) else RowRefused("", "row must be a JSON object") for one in value]


def rows_from_csv(body: bytes, what: str) -> list[Row]:
    """The rows of CSV (RFC 4180) in UTF-8, whose first line names the columns. Raises Invalid for what cannot be taken as a whole."""
    text = body.removeprefix(_BYTE_ORDER_MARK).decode(errors="surrogateescape")
    cut = records(io.StringIO(text, newline="\n"))
    header = next(cut, Record("", []))
    if header.error is not None:
        raise Invalid("columns", f"the first line is no CSV: {header.error}")
    columns = [column.strip() for column in header.cells]
    _check_columns(columns, what)
    found: list[Row] = []
    for record in cut:
        found.append(_row_from_record(columns, record))
        _require_few(len(found))
    return found


def lines_of(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as NDJSON."""
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def csv_of(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> bytes:
    """Rows as CSV under these columns; what a spreadsheet would compute is neutralised, `rows_from_csv` gives it back as it was."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        flat = {**row, **(row.get("subscription") or {}), **((row.get("subscription") or {}).get("keys") or {})}
        writer.writerow([_cell(flat.get(column)) for column in columns])
    return out.getvalue().encode()


def _row_from_json(line: bytes) -> Row:
    if len(line) > IMPORT_ROW_BYTES:
        return RowRefused("", _TOO_LONG)
    try:
        value = read_json(line)
    except NotJson:
        return RowRefused("", "row must be valid JSON")
    return value if isinstance(value, dict) else RowRefused("", "row must be a JSON object")


def _check_columns(columns: Sequence[str], what: str) -> None:
    known = COLUMNS[what]
    if not columns or len(columns) > MOST_COLUMNS:
        raise Invalid("columns", f"the first line must name 1 to {MOST_COLUMNS} columns")
    for column in columns:
        name, _, kind = column.removeprefix("attributes.").partition(":")
        is_attribute = column.startswith("attributes.") and len(name) <= KEY_CHARACTERS and is_key(name) and (kind or "text") in _TYPES
        if column not in known and not is_attribute:
            raise Invalid(
                "columns", f"there is no column {column[:64]!r}{did_you_mean(column, known)}: see docs/how-to/import-and-export-people.md"
            )
        if columns.count(column) > 1:
            raise Invalid("columns", f"column {column[:64]} is there twice")


def _row_from_record(columns: Sequence[str], record: Record) -> Row:
    line = record.text.rstrip("\r\n")
    if len(line.encode(errors="surrogateescape")) > IMPORT_ROW_BYTES:
        return RowRefused("", _TOO_LONG)
    try:
        line.encode()
    except UnicodeEncodeError:  # what could not be decoded
        return RowRefused("", "row is not UTF-8")
    if record.error is not None:
        return RowRefused("", f"row is no CSV: {record.error}")
    return _row_from_cells(columns, record.cells)


def _row_from_cells(columns: Sequence[str], cells: Sequence[str]) -> Row:
    if len(cells) != len(columns):
        return RowRefused("", f"row has {len(cells)} cells, the header {len(columns)}")
    row: dict[str, Any] = {}
    attributes: dict[str, Any] = {}
    try:
        for column, cell in zip(columns, map(restored, cells), strict=True):
            if cell == "":
                continue
            if column == "attributes":
                attributes |= _json_cell(column, cell, dict)
            elif column.startswith("attributes."):
                name, _, kind = column.removeprefix("attributes.").partition(":")
                attributes[name] = _typed(column, cell, kind)
            elif column == "segments":
                row[column] = (
                    _json_cell(column, cell, list) if cell.startswith("[") else [one.strip() for one in cell.split(";") if one.strip()]
                )
            elif column == "active":
                row[column] = _typed(column, cell, "boolean")
            else:
                row[column] = cell
    except RowRefused as refused:
        return refused
    if attributes:
        row["attributes"] = attributes
    if any(name in row for name in _SUBSCRIPTION):
        keys = {name: row.pop(name) for name in ("p256dh", "auth") if name in row}
        row["subscription"] = {"endpoint": row.pop("endpoint", None), "keys": keys}
    return row


def _json_cell(column: str, cell: str, kind: type) -> Any:
    try:
        value = read_json(cell.encode())
    except NotJson:
        value = None
    if not isinstance(value, kind):
        raise RowRefused(column, f"{column} must be a JSON {'object' if kind is dict else 'array'}")
    return value


def _typed(column: str, cell: str, kind: str) -> str | int | float | bool:
    if kind == "boolean":
        if cell.lower() not in ("true", "false"):
            raise RowRefused(column, f"{column} must be true or false")
        return cell.lower() == "true"
    if kind == "number":
        try:
            value = read_json(cell.strip().encode())
        except NotJson:
            value = None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RowRefused(column, f"{column} must be a number")
        return value
    return cell


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return neutral(value)
    return msgspec.json.encode(value).decode()


def _require_few(count: int) -> None:
    if count > MAX_IMPORT_ROWS:
        raise Invalid("rows", f"there are more than {MAX_IMPORT_ROWS} rows — send them in several chunks")


def numbered(rows: Sequence[Row], offset: int) -> Iterator[tuple[int, Row]]:
    """Rows with their numbers in the file, from 1."""
    return enumerate(rows, offset + 1)
