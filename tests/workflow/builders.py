"""Events, runs and programs for the core's tests."""

from collections.abc import Callable
from typing import Any

import msgspec

from clarion.domain.records import Event
from clarion.workflow.program import Program
from clarion.workflow.run import Run

START = "workflow: w\nstart: {on: [{event: go}]}\n"

ProgramOf = Callable[[str], Program]


def event(name: str = "go", id: str = "e1", received: int = 0, **data: Any) -> Event:
    return Event(id, name, profile_id="p", data=msgspec.Raw(msgspec.json.encode(data)), received=received)


def new_run(entry: Event, started: int = 0) -> Run:
    return Run("r1", 1, "w", 1, "n:p", None, entry, started)
