"""On which instance a command acts and how it answers: five options, declared once for every command that has them."""

import inspect
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, Concatenate, NamedTuple, TypeVar

from clarion.cli import options
from clarion.cli.instance import Instance, connect
from clarion.cli.output import print_json

_Answer = TypeVar("_Answer")


class Target(NamedTuple):
    """The five options, and what they said."""

    data: options.Data = None
    site: options.SiteName = None
    server: options.Server = None
    key: options.Key = None
    json: options.Json = False

    def connect(self) -> AbstractContextManager[Instance]:
        """The instance that is acted on. Raises WrongUsage if the options do not go together."""
        return connect(self.data, self.server, self.key, self.site)

    def answer(self, view: _Answer, say: Callable[[_Answer], None]) -> None:
        """Print what came of the command: as JSON where that is asked for, else as `say` tells it to people."""
        if self.json:
            print_json(view)
        else:
            say(view)


_OPTIONS = tuple(option.replace(kind=inspect.Parameter.KEYWORD_ONLY) for option in inspect.signature(Target).parameters.values())


def with_target(command: Callable[Concatenate[Target, ...], None]) -> Callable[..., None]:
    """The command as the parser has to see it: its own parameters, then the five options in place of its target."""
    _, *own = inspect.signature(command).parameters.values()

    @wraps(command)
    def parsed(**given: Any) -> None:
        command(Target(*(given.pop(name) for name in Target._fields)), **given)

    parsed.__signature__ = inspect.Signature([*own, *_OPTIONS])  # type: ignore[attr-defined]  # what `inspect.signature` asks first
    return parsed
