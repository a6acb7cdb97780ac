"""`send_event`: an event of Clarion's own, for the run's profile or another one."""

import re
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id
from clarion.domain.problems import Path
from clarion.domain.templates import Template, TemplateFailure
from clarion.workflow.effects import EventEffect
from clarion.workflow.fields import FlatData, FlatTemplate, TemplateText
from clarion.workflow.filling import Filling
from clarion.workflow.shapes import Invalid, Object, Reading, Shape, Text
from clarion.workflow.step import Forward, Leaf, Move, Visit

LONGEST_ID: Final = 255


class OwnEventName:
    """The name of an event that a workflow may send: any but Clarion's own."""

    _text = Text(most=64)

    def read(self, value: object, path: Path, reading: Reading) -> str | Invalid:
        text = self._text.read(value, path, reading)
        if isinstance(text, str) and not text.strip():
            return reading.note(path, "must not be empty")
        if isinstance(text, str) and text.startswith(system_events.PREFIX):
            return reading.note(path, f'names that start with "{system_events.PREFIX}" are Clarion\'s own')
        return text

    def schema(self) -> dict[str, Any]:
        return self._text.schema() | {"pattern": r"\S", "not": {"pattern": f"^{re.escape(system_events.PREFIX)}"}}


class SendEvent(Leaf, msgspec.Struct, frozen=True):
    """The event comes back through the inbox, one hop further than what started or resumed the run."""

    kind: ClassVar[str] = "send_event"
    shape: ClassVar[Shape] = Object({"event": OwnEventName()}, {"data": FlatData(), "profile_id": TemplateText(most=1000)})

    id: str
    event: str
    data: FlatTemplate | None = None
    profile_id: Template | None = None

    @classmethod
    def build(cls, id: str, value: Any) -> "SendEvent":
        return cls(id=id, **value)

    def enter(self, visit: Visit) -> Move:
        fill = Filling(visit)
        whom = None if self.profile_id is None else fill.text(self.profile_id).strip()
        if whom == "":
            raise TemplateFailure("the profile_id is empty")
        if whom is not None and len(whom) > LONGEST_ID:
            raise TemplateFailure(f"the profile_id is longer than {LONGEST_ID} characters")
        data = {} if self.data is None else fill.data(self.data)
        event = caused_event_id(visit.effect_id, self.event, 0)
        visit.effects.append(EventEffect(event, self.id, self.event, data, whom))
        visit.note("send_event", fill.detail(event=event, name=self.event))
        return Forward()
