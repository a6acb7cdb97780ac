"""What commands print: JSON for programs, tables for people, tab-separated lines where people pipe them."""

import sys
from collections.abc import Sequence
from typing import Any

import typer

from clarion.cli.invocation import as_invoked

View = dict[str, Any]
"""One thing as JSON shows it."""


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    import msgspec

    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_json_line(value: object) -> None:
    """Print a value as JSON on one line, at once."""
    typer.echo(json_line(value))
    sys.stdout.flush()


def json_line(value: object) -> str:
    """A value as JSON on one line."""
    import msgspec

    return msgspec.json.encode(value).decode()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print rows under their columns' names; `empty` is said where there are none."""
    if not rows:
        typer.echo(as_invoked(empty), err=True)
        return
    cells = [[plain(cell) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for line in (columns, *cells):
            typer.echo("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def plain(value: object) -> str:
    """A value as one line of printable text, as JSON where it has parts: what came from outside cannot steer a terminal."""
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(map(plain, value))
    text = json_line(value) if isinstance(value, bool | dict) else str(value)
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def when(value: object) -> str:
    """A stored time as explanations write it, UTC to the millisecond (ISO 8601)."""
    from clarion.workflow.explain.words import instant

    return "-" if value is None else instant(value)
