"""What a workflow listens for: an event's name, and the condition that the event has to meet."""

from typing import Any, Final

import msgspec

from clarion.domain.conditions import Condition
from clarion.domain.problems import Path
from clarion.workflow.fields import ConditionTree, EventName
from clarion.workflow.shapes import INVALID, Invalid, Object, Reading

MOST_LISTENERS: Final = 20


class Listener(msgspec.Struct, frozen=True):
    """An event to listen for, and the condition that it has to meet."""

    event: str
    where: Condition | None = None


class ListenerShape:
    """`{event, where?}`."""

    _object = Object({"event": EventName()}, {"where": ConditionTree()})

    def read(self, value: object, path: Path, reading: Reading) -> Listener | Invalid:
        read = self._object.read(value, path, reading)
        return INVALID if read is INVALID else Listener(**read)

    def schema(self) -> dict[str, Any]:
        return self._object.schema()
