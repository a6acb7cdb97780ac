"""How this command was called, so that the commands it tells people to run can be run as they stand, and act on the same site."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any, Final

NAME: Final = "clarion"

# Messages write a command after a colon or in backquotes; those of the store and of `clarion.control` cannot know how it is called.
_COMMAND = re.compile(r"(?:(?<=: )clarion(?= [-a-z])|(?<=`)clarion(?= [a-z]))(?P<words>(?: [a-z]+)*)")

_NAMED = re.compile(r" (?:[^-\s]\S* )?--data ")
"""The command names its directory itself, after one argument at most."""

_target: Final[dict[str, str]] = {}
"""What this command was given of `--data`, `--site` and `--server`."""


def remember(option: str, value: str) -> None:
    """Keep a part of the target that this command was given: the commands it tells people to run act on it as well."""
    _target[option] = value


def forget() -> None:
    """The command has ended."""
    _target.clear()


def invoked() -> str:
    """What to type for this command: `clarion` if the shell finds it, else the path it was called by, such as `.venv/bin/clarion`."""
    called = sys.argv[0]
    if "/" not in called or Path(called).name != NAME:
        return NAME
    found = shutil.which(NAME)
    # A script that the shell looked up is told its whole path, as if that had been typed.
    return NAME if found is not None and Path(found).resolve() == Path(called).resolve() else shlex.quote(called)


def as_invoked(line: str) -> str:
    """A message whose commands begin with what to type, and name the target that this one was given."""
    return _COMMAND.sub(_typed, line)


def _typed(found: re.Match[str]) -> str:
    from typer.main import get_command

    from clarion.cli.app import app

    words = found["words"].split()
    command: Any = get_command(app)
    depth = 0
    # What follows the command are its arguments, or the sentence goes on.
    while depth < len(words) and words[depth] in getattr(command, "commands", ()):
        command = command.commands[words[depth]]
        depth += 1
    # Options of a target are those that are remembered; `simulate` has a --data of its own.
    known = {option for parameter in command.params if parameter.callback is not None for option in parameter.opts}
    options = "" if _NAMED.match(found.string, found.end()) else _options(known)
    return " ".join((invoked(), *words[:depth])) + options + "".join(f" {word}" for word in words[depth:])


def _options(known: set[str]) -> str:
    """The target as options of a command that has these."""
    from clarion.config import data_directory

    if "--server" in _target:
        return f" --server {shlex.quote(_target['--server'])}" if "--server" in known else ""
    data = data_option(data_directory(Path(_target["--data"]) if "--data" in _target else None, os.environ)) if "--data" in known else ""
    site = f" --site {shlex.quote(_target['--site'])}" if _target.keys() & known & {"--site"} else ""
    return data + site


def data_option(data: Path) -> str:
    """` --data DIR` for a command line, or nothing where the command finds the directory without it."""
    from clarion.config import data_directory

    # With CLARION_DATA it is named even so: the next command may be typed where the variable is not set.
    nameless = data == data_directory(None, {}) == data_directory(None, os.environ)
    return "" if nameless else f" --data {shlex.quote(str(data))}"
