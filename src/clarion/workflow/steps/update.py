"""`update`: change the profile's attributes."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id
from clarion.domain.lookup import DATA_KEY
from clarion.domain.problems import Path
from clarion.domain.templates import TemplateFailure
from clarion.workflow.effects import EventEffect
from clarion.workflow.fields import FlatData, FlatTemplate
from clarion.workflow.filling import Filling
from clarion.workflow.shapes import ListOf, Object, Reading, Shape, Text
from clarion.workflow.step import Forward, Leaf, Move, Visit

LARGEST_PROFILE: Final = 65_536
"""Bytes of a profile's attributes as JSON."""


def _contradictions(value: dict[Any, Any], _: Reading) -> Iterator[tuple[Path, str]]:
    wanted, unwanted = value.get("set"), value.get("remove")
    if isinstance(wanted, dict) and isinstance(unwanted, list):
        for index, name in enumerate(unwanted):
            if isinstance(name, str) and name in wanted:
                yield ("remove", index), "is set by the same step"


class Update(Leaf, msgspec.Struct, frozen=True):
    """Changes the profile at once: later steps see it. What has changed is a system event; an output that is missing sets nothing."""

    kind: ClassVar[str] = "update"
    shape: ClassVar[Shape] = Object(
        optional={
            "set": FlatData(least=1),
            "remove": ListOf(Text(most=255, pattern=DATA_KEY.pattern, says="is no name of an attribute"), least=1, most=200),
        },
        least=1,
        check=_contradictions,
    )

    id: str
    set: FlatTemplate | None = None
    remove: tuple[str, ...] = ()

    @classmethod
    def build(cls, id: str, value: Any) -> "Update":
        return cls(id, **value)

    def enter(self, visit: Visit) -> Move:
        fill = Filling(visit)
        before = visit.profile.attributes
        wanted = {} if self.set is None else fill.data(self.set)
        changed = {name: value for name, value in wanted.items() if not _same(before.get(name), value)}
        removed = [name for name in self.remove if name in before]
        after = {name: value for name, value in {**before, **changed}.items() if name not in removed}
        if changed and len(msgspec.json.encode(after)) > LARGEST_PROFILE:
            raise TemplateFailure(f"the profile's attributes would be larger than {LARGEST_PROFILE // 1024} KiB")
        if changed or removed:
            visit.profile = msgspec.structs.replace(visit.profile, attributes=after)
            event = system_events.SUBSCRIBER_UPDATED
            visit.effects.append(EventEffect(caused_event_id(visit.effect_id, event, 0), self.id, event, changed))
        visit.note("update", fill.detail(set=sorted(changed), removed=removed))
        return Forward()


def _same(one: object, other: object) -> bool:
    """Strict: 1, 1.0 and True are three values."""
    return type(one) is type(other) and one == other
