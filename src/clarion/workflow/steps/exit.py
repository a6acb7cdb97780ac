"""`exit`: end the run here."""

from typing import Any, ClassVar

import msgspec

from clarion.workflow.run import EXITED
from clarion.workflow.shapes import Object, Shape, Text
from clarion.workflow.step import End, Leaf, Move, Visit


class Exit(Leaf, msgspec.Struct, frozen=True):
    """Ends the run with a reason of the author's choosing."""

    kind: ClassVar[str] = "exit"
    shape: ClassVar[Shape] = Object(optional={"reason": Text(most=200)})

    id: str
    reason: str = "exit"

    @classmethod
    def build(cls, id: str, value: Any) -> "Exit":
        return cls(id, **value)

    def enter(self, visit: Visit) -> Move:
        return End(EXITED, self.reason)
