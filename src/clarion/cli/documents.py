"""Workflow documents in files, judged before anything is done with them."""

import sys
from pathlib import Path

import msgspec
import typer

from clarion.cli.failures import Failure
from clarion.cli.output import View, plain
from clarion.workflow.source import LONGEST, DocumentInvalid, Located, read_document


class Judged(msgspec.Struct, frozen=True):
    """A file's text, and either its workflow's slug or what is wrong with it."""

    file: str
    text: str
    workflow: str | None
    problems: list[Located]

    def view(self) -> View:
        """As JSON shows it."""
        problems = [{"path": list(one.path), "message": one.message, "line": one.line, "column": one.column} for one in self.problems]
        return {"file": self.file, "valid": not self.problems, "workflow": self.workflow, "problems": problems}

    def complain(self) -> None:
        """Print each problem on standard error."""
        for problem in self.problems:
            typer.echo(plain(f"error: {self.file}: {problem}"), err=True)


def judge(file: Path) -> Judged:
    """Read a file, `-` being standard input, and its document. Raises Failure if the file cannot be read."""
    name = "standard input" if str(file) == "-" else str(file)
    try:
        text = _read(file).decode()
    except OSError as error:
        raise Failure(f"{name} cannot be read: {error.strerror} — check the path") from None
    except UnicodeDecodeError as error:
        return Judged(name, "", None, [Located((), f"is not UTF-8 (byte {error.start})")])
    try:
        return Judged(name, text, read_document(text).workflow, [])
    except DocumentInvalid as invalid:
        return Judged(name, text, None, invalid.problems)


def _read(file: Path) -> bytes:
    # One byte more than is allowed shows that there is more; a file without end is not read to its end.
    if str(file) == "-":
        return sys.stdin.buffer.read(LONGEST + 1)
    with file.open("rb") as opened:
        return opened.read(LONGEST + 1)
