"""Workflow documents in files, judged before anything is done with them."""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import typer

from clarion.cli.failures import Failure
from clarion.cli.output import View, plain
from clarion.workflow.source import LONGEST, DocumentInvalid, Located, read_document


class Judged(msgspec.Struct, frozen=True):
    """A file's text, and either the name of what it holds or what is wrong with it."""

    file: str
    text: str
    workflow: str | None
    """The slug; of a scenario its name."""
    problems: list[Located]

    def view(self) -> View:
        """As JSON shows it."""
        problems = [{"path": list(one.path), "message": one.message, "line": one.line, "column": one.column} for one in self.problems]
        return {"file": self.file, "valid": not self.problems, "workflow": self.workflow, "problems": problems}

    def complain(self) -> None:
        """Print each problem on standard error."""
        for problem in self.problems:
            typer.echo(plain(f"error: {self.file}: {problem}"), err=True)


def judge(file: Path, accept: Callable[[str], str] = lambda text: read_document(text).workflow) -> Judged:
    """Read a file, `-` being standard input, and its document.

    `accept` judges the text: it names what the text holds, or raises DocumentInvalid. Raises Failure if the file cannot be read.
    """
    name = "standard input" if str(file) == "-" else str(file)
    try:
        text = _read(file).decode()
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror} — check the path") from None
    except UnicodeDecodeError as error:
        return Judged(name, "", None, [Located((), f"is not UTF-8 (byte {error.start})")])
    try:
        return Judged(name, text, accept(text), [])
    except DocumentInvalid as invalid:
        return Judged(name, text, None, invalid.problems)


def slug_in(text: str) -> str | None:
    """The slug that stands in a document, whatever else is wrong with it; None where none can be found."""
    from clarion.workflow.text import TextRefused, read_text

    try:
        value, _ = read_text(text)
    except TextRefused:
        return None
    slug = value.get("workflow") if isinstance(value, dict) else None
    return slug if isinstance(slug, str) else None


def _read(file: Path) -> bytes:
    # One byte more than is allowed shows that there is more; a file without end is not read to its end.
    if str(file) == "-":
        return sys.stdin.buffer.read(LONGEST + 1)
    with file.open("rb") as opened:
        return opened.read(LONGEST + 1)
