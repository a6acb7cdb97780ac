"""`start_workflow`: let another workflow start for the same profile."""

from typing import Any, ClassVar

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id
from clarion.workflow.effects import EventEffect
from clarion.workflow.fields import SLUG, FlatData, FlatTemplate
from clarion.workflow.filling import Filling
from clarion.workflow.shapes import Object, Shape
from clarion.workflow.step import Forward, Leaf, Move, Visit


class StartWorkflow(Leaf, msgspec.Struct, frozen=True):
    """Its triggers are not asked; audience, key, `again` and `while_running` are. Without `data` it gets the starting event's."""

    kind: ClassVar[str] = "start_workflow"
    shape: ClassVar[Shape] = Object({"workflow": SLUG}, {"data": FlatData()})

    id: str
    workflow: str
    data: FlatTemplate | None = None

    @classmethod
    def build(cls, id: str, value: Any) -> "StartWorkflow":
        return cls(id, **value)

    def enter(self, visit: Visit) -> Move:
        fill = Filling(visit)
        data = dict(visit.scope.entry) if self.data is None else fill.data(self.data)
        event = caused_event_id(visit.effect_id, system_events.WORKFLOW_START, 0)
        visit.effects.append(EventEffect(event, self.id, system_events.WORKFLOW_START, data, workflow=self.workflow))
        visit.note("start_workflow", fill.detail(event=event, workflow=self.workflow))
        return Forward()
