"""Programs that can be interrupted: before each step they ask whether to go on."""

from collections.abc import Callable

import msgspec

from clarion.workflow.program import Program
from clarion.workflow.step import Move, Step, Visit


class Interrupted(Exception):
    """It was time to stop in the middle of an input; what that input did so far has to be dropped."""


def interruptible(program: Program, stop: Callable[[], bool]) -> Program:
    """A program that does what the given one does, until `stop` says so: then it raises Interrupted."""
    places = {id: msgspec.structs.replace(place, step=_Watched(place.step, stop)) for id, place in program.places.items()}
    return msgspec.structs.replace(program, places=places)


class _Watched:
    """A step that asks first."""

    def __init__(self, step: Step, stop: Callable[[], bool]) -> None:
        self._step, self._stop = step, stop
        self.kind, self.shape, self.id = step.kind, step.shape, step.id
        self.build, self.nested = step.build, step.nested
        self.branches, self.labels, self.awaited, self.rejoin = step.branches, step.labels, step.awaited, step.rejoin

    def enter(self, visit: Visit) -> Move:
        if self._stop():
            raise Interrupted
        return self._step.enter(visit)

    def wake(self, visit: Visit) -> Move:
        if self._stop():
            raise Interrupted
        return self._step.wake(visit)
