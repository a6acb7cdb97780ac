"""`wait`: let time pass."""

from typing import Any, ClassVar

import msgspec

from clarion.domain.problems import Path
from clarion.workflow.fields import Duration
from clarion.workflow.shapes import Object, Reading, Shape
from clarion.workflow.step import Forward, Move, Sleep, Step, Visit


class Wait(msgspec.Struct, frozen=True):
    """Sleeps for a duration, counted from when the step was entered."""

    kind: ClassVar[str] = "wait"
    shape: ClassVar[Shape] = Object({"for": Duration()})

    id: str
    duration: int
    """Microseconds."""

    @classmethod
    def build(cls, id: str, value: Any, path: Path, reading: Reading) -> "Wait":
        return cls(id, value["for"])

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        return ()

    def enter(self, visit: Visit) -> Move:
        until = visit.now + self.duration
        visit.note("waiting", {"until": until})
        return Sleep(until)

    def wake(self, visit: Visit) -> Move:
        return Forward()
