"""`stop_workflow`: end the profile's runs of a workflow."""

from typing import Any, ClassVar

import msgspec

from clarion.workflow.effects import StopEffect
from clarion.workflow.fields import SLUG
from clarion.workflow.shapes import Object, Shape
from clarion.workflow.step import Forward, Leaf, Move, Visit


class StopWorkflow(Leaf, msgspec.Struct, frozen=True):
    """Ends all of them, whatever their key, but never the run that the step belongs to: `exit` does that."""

    kind: ClassVar[str] = "stop_workflow"
    shape: ClassVar[Shape] = Object({"workflow": SLUG})

    id: str
    workflow: str

    @classmethod
    def build(cls, id: str, value: Any) -> "StopWorkflow":
        return cls(id, **value)

    def enter(self, visit: Visit) -> Move:
        visit.effects.append(StopEffect(visit.effect_id, self.id, self.workflow))
        visit.note("stop_workflow", {"workflow": self.workflow})
        return Forward()
