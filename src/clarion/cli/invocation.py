"""How this command was called, so that the commands it tells people to run can be run as they stand."""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

NAME: Final = "clarion"

# Messages write a command after a colon or in backquotes; those of the store and of `clarion.control` cannot know how it is called.
_COMMAND = re.compile(r"(?<=: )clarion(?= [-a-z])|(?<=`)clarion(?= [a-z])")


def invoked() -> str:
    """What to type for this command: `clarion` if the shell finds it, else the path it was called by, such as `.venv/bin/clarion`."""
    called = sys.argv[0]
    if "/" not in called or Path(called).name != NAME:
        return NAME
    found = shutil.which(NAME)
    # A script that the shell looked up is told its whole path, as if that had been typed.
    return NAME if found is not None and Path(found).resolve() == Path(called).resolve() else shlex.quote(called)


def as_invoked(line: str) -> str:
    """A message whose commands begin with what to type."""
    return _COMMAND.sub(lambda _: invoked(), line)


def data_option(data: Path) -> str:
    """` --data DIR` for a command line, or nothing where the command finds the directory without it."""
    from clarion.config import data_directory

    # With CLARION_DATA it is named even so: the next command may be typed where the variable is not set.
    nameless = data == data_directory(None, {}) == data_directory(None, os.environ)
    return "" if nameless else f" --data {shlex.quote(str(data))}"
