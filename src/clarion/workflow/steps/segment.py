"""`segment`: put the profile into segments, or take it out."""

from typing import Any, ClassVar, Final

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id
from clarion.domain.problems import Path
from clarion.domain.templates import Template, TemplateFailure
from clarion.workflow.effects import EventEffect
from clarion.workflow.fields import TemplateText
from clarion.workflow.filling import Filling
from clarion.workflow.shapes import Invalid, ListOf, Object, Reading, Shape
from clarion.workflow.step import Forward, Leaf, Move, Visit

MOST_NAMES: Final = 20
MOST_SEGMENTS: Final = 1_000
"""That one profile may be in."""
LONGEST_NAME: Final = 200


class _Names:
    """A name or a list of names; each is a template."""

    _one = TemplateText(most=LONGEST_NAME)
    _list = ListOf(TemplateText(most=LONGEST_NAME), least=1, most=MOST_NAMES)

    def read(self, value: object, path: Path, reading: Reading) -> Any:
        if isinstance(value, list):
            return self._list.read(value, path, reading)
        read = self._one.read(value, path, reading)
        return read if isinstance(read, Invalid) else (read,)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self._one.schema(), self._list.schema()]}


class Segment(Leaf, msgspec.Struct, frozen=True):
    """Changes the profile at once; each change is a system event. A name that is to be added and removed is removed.

    Segments whose condition says who is in them are left alone.
    """

    kind: ClassVar[str] = "segment"
    shape: ClassVar[Shape] = Object(optional={"add": _Names(), "remove": _Names()}, least=1)

    id: str
    add: tuple[Template, ...] = ()
    remove: tuple[Template, ...] = ()

    @classmethod
    def build(cls, id: str, value: Any) -> "Segment":
        return cls(id, **value)

    def enter(self, visit: Visit) -> Move:
        fill = Filling(visit)
        before = visit.profile.segments
        entering, leaving = _names(self.add, fill), _names(self.remove, fill)
        ignored = [name for name in dict.fromkeys((*entering, *leaving)) if name in visit.dynamic]
        leaving = [name for name in leaving if name not in ignored]
        added = [name for name in entering if name not in before and name not in leaving and name not in ignored]
        removed = [name for name in leaving if name in before]
        after = tuple(sorted({*before, *added} - {*removed}))
        if len(after) > max(MOST_SEGMENTS, len(before)):
            raise TemplateFailure(f"the profile would be in more than {MOST_SEGMENTS} segments")
        events = [(system_events.SEGMENT_ADDED, name) for name in added] + [(system_events.SEGMENT_REMOVED, name) for name in removed]
        for ordinal, (event, name) in enumerate(events):
            visit.effects.append(EventEffect(caused_event_id(visit.effect_id, event, ordinal), self.id, event, {"segment": name}))
        if after != before:
            visit.profile = msgspec.structs.replace(visit.profile, segments=after)
        visit.note("segment", fill.detail(added=added, removed=removed, **({"ignored": ignored} if ignored else {})))
        return Forward()


def _names(templates: tuple[Template, ...], fill: Filling) -> list[str]:
    names = []
    for template in templates:
        name = fill.text(template).strip()
        if not name:
            raise TemplateFailure("the name of a segment is empty")
        if len(name) > LONGEST_NAME:
            raise TemplateFailure(f"the name of a segment is longer than {LONGEST_NAME} characters")
        names.append(name)
    return list(dict.fromkeys(names))
