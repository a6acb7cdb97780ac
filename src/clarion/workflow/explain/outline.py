"""The few parts of a document that explaining needs, read without compiling it."""

from typing import Final

import msgspec

from clarion.domain.durations import parse_duration
from clarion.workflow.explain.verdicts import Known
from clarion.workflow.nesting import sketch


class _Listener(msgspec.Struct, frozen=True):
    event: str


class _After(msgspec.Struct, frozen=True):
    after: str


class _Start(msgspec.Struct, frozen=True):
    on: list[_Listener] = []
    again: _After | str | None = None


class _Document(msgspec.Struct, frozen=True):
    start: _Start
    steps: object = None


class Outline(msgspec.Struct, frozen=True):
    """What starts a workflow, and whether it pushes."""

    events: tuple[str, ...] = ()
    """Names of the events that it listens for, each once."""
    again: int | None = None
    """The time that has to pass between two starts, microseconds; None: there is no such time."""
    never: bool = False
    """Whether a profile may start it only once."""
    has_push: bool = False
    """Whether a step of it is a push."""

    def known(self, since: int | None, ended: int | None) -> Known:
        """What its verdicts do not hold; `since` and `ended` of the run that stood in the way."""
        return Known(since, ended, self.again, self.never)


UNREADABLE: Final = Outline()


def outline(document: bytes) -> Outline:
    """Of a stored document; `UNREADABLE` if this version of Clarion cannot make sense of it."""
    try:
        read = msgspec.json.decode(document, type=_Document)
        start = read.start
        has_push = any(one.kind == "push" for one in sketch(read.steps, ("steps",)))
        again = parse_duration(start.again.after) if isinstance(start.again, _After) else None
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return UNREADABLE
    return Outline(tuple(dict.fromkeys(one.event for one in start.on)), again, start.again == "never", has_push)
