"""What every kind of step answers, and what it is given."""

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol

import msgspec

from clarion.domain.ids import effect_id
from clarion.domain.problems import Path
from clarion.domain.records import Scope
from clarion.workflow.effects import Effect
from clarion.workflow.run import Reason, Run
from clarion.workflow.shapes import Invalid, Reading, Shape


class Forward(msgspec.Struct, frozen=True):
    """Go on with the step after this one."""


class Sleep(msgspec.Struct, frozen=True):
    """Stay here until a time, or until an event that the step waits for."""

    until: int


class End(msgspec.Struct, frozen=True):
    """The run has ended."""

    status: str
    reason: str | None = None


class Into(msgspec.Struct, frozen=True):
    """Go on with the first step of one of the step's branches; past an empty one."""

    branch: int


Move = Forward | Sleep | End | Into


class Visit:
    """A run's stay at one step: what the step can see, and where it says what it wants."""

    __slots__ = ("_effect_id", "effects", "now", "reasons", "run", "scope", "step")

    def __init__(self, run: Run, step: "Step", scope: Scope, now: int) -> None:
        self.run, self.step, self.scope, self.now = run, step, scope, now
        self.effects: list[Effect] = []
        self.reasons: list[Reason] = []
        self._effect_id = ""

    @property
    def effect_id(self) -> str:
        """Id for the effect of this visit."""
        if not self._effect_id:
            self._effect_id = effect_id(self.run.id, self.step.id, self.run.visit)
        return self._effect_id

    def note(self, what: str, detail: dict[str, Any] | None = None) -> None:
        """Add a line to the run's history."""
        self.reasons.append(Reason(self.now, what, self.step.id, detail or {}))


class Step(Protocol):
    """One step of a document, ready to run; immutable."""

    kind: ClassVar[str]
    shape: ClassVar[Shape]
    """Of the value under the kind's key."""

    @property
    def id(self) -> str:
        """Unique in its document, stable over versions."""

    @classmethod
    def build(cls, id: str, value: Any, path: Path, reading: Reading) -> "Step | Invalid":
        """The step from what its shape read; notes what the shape alone cannot see."""

    def branches(self) -> tuple[tuple["Step", ...], ...]:
        """The step's nested steps, branch by branch."""

    def enter(self, visit: Visit) -> Move:
        """A run arrives. Raises TemplateError when the step cannot be evaluated."""

    def wake(self, visit: Visit) -> Move:
        """The timer that the step set is due. Only called on a step that sleeps."""


class Leaf:
    """A step without branches that never sleeps."""

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        return ()

    def wake(self, visit: Visit) -> Move:
        return Forward()


StepKinds = Mapping[str, type[Step]]
