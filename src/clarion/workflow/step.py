"""What every kind of step answers, and what it is given."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol

import msgspec

from clarion.domain.conditions import Condition
from clarion.domain.dates import zone
from clarion.domain.ids import effect_id
from clarion.domain.problems import Path
from clarion.domain.records import FrequencyCap, Profile, Scalar, Scope
from clarion.workflow.effects import Effect
from clarion.workflow.run import Reason, Run, Tally
from clarion.workflow.settings import Settings
from clarion.workflow.shapes import Shape


class Forward(msgspec.Struct, frozen=True):
    """Go on with the step after this one."""


class Sleep(msgspec.Struct, frozen=True):
    """Stay here until a time, or until what the step waits for."""

    until: int | None
    """None: until the outcome of this visit's effect is known."""


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

    __slots__ = (
        "_effect_id", "dynamic", "effects", "now", "output", "path", "profile", "reachable", "reasons",
        "run", "scope", "settings", "site_cap", "stale", "step", "tallies",
    )  # fmt: skip

    def __init__(
        self,
        run: Run,
        step: "Step",
        scope: Scope,
        now: int,
        *,
        settings: Settings,
        profile: Profile,
        reachable: bool,
        site_cap: FrequencyCap | None,
        stale: bool,
        dynamic: frozenset[str] = frozenset(),
    ) -> None:
        self.run, self.step, self.scope, self.now = run, step, scope, now
        self.settings = settings
        self.profile = profile
        """The run's profile; a step that changes it puts the changed one here."""
        self.reachable = reachable
        """Whether the profile has a subscriber that a push can go to."""
        self.site_cap = site_cap
        self.stale = stale
        """Whether a push comes too late to be sent: it was held by a pause for too long."""
        self.dynamic = dynamic
        """Segments that a step leaves alone: their conditions say who is in them."""
        self.output: dict[str, Any] | None = run.steps.get(step.id)
        """What the step leaves for later ones; on waking, what was left for it (an event that came, an outcome)."""
        self.path: str | None = None
        """The path of a split that was taken."""
        self.effects: list[Effect] = []
        self.reasons: list[Reason] = []
        self.tallies: list[Tally] = []
        self._effect_id = ""

    @property
    def effect_id(self) -> str:
        """Id for the effect of this visit."""
        if not self._effect_id:
            self._effect_id = effect_id(self.run.id, self.step.id, self.run.visit)
        return self._effect_id

    @property
    def timezone(self) -> str:
        """IANA name of the zone for times of day: as the settings say, else the subscriber's, else the site's."""
        chosen = self.settings.timezone
        if chosen == "site":
            return self.scope.timezone
        if chosen != "subscriber":
            return chosen
        known = None if self.scope.subscriber is None else self.scope.subscriber.facts.get("timezone")
        if isinstance(known, str):
            try:
                zone(known)
            except ValueError:
                return self.scope.timezone
            return known
        return self.scope.timezone

    def note(self, what: str, detail: dict[str, Any] | None = None) -> None:
        """Add a line to the run's history."""
        self.reasons.append(Reason(self.now, what, self.step.id, detail or {}))

    def count(self, name: str, branch: str = "") -> None:
        """Count something that happened at this step."""
        self.tallies.append(Tally(self.run.version, self.step.id, name, branch))


class Step(Protocol):
    """One step of a document, ready to run; immutable."""

    kind: ClassVar[str]
    shape: ClassVar[Shape]
    """Of the value under the kind's key."""

    @property
    def id(self) -> str:
        """Unique in its document, stable over versions."""

    @classmethod
    def build(cls, id: str, value: Any) -> "Step":
        """The step from what its shape read."""

    @classmethod
    def nested(cls, value: object) -> Iterator[tuple[Path, object]]:
        """The lists of steps inside a value that is not yet read: path below the kind's key, and what stands there."""

    def branches(self) -> tuple[tuple["Step", ...], ...]:
        """The step's nested steps, branch by branch."""

    def labels(self) -> tuple[str, ...]:
        """What counters call the branches."""

    def awaited(self) -> Sequence["Awaited"]:
        """The events that the step waits for."""

    def enter(self, visit: Visit) -> Move:
        """A run arrives. Raises TemplateError when the step cannot be evaluated."""

    def wake(self, visit: Visit) -> Move:
        """The timer that the step set is due, or what it waited for has come and is its output. Only called on a step that sleeps."""

    def rejoin(self, visit: Visit) -> Move | None:
        """The run was moved here from the same step of another version, where it waits; `visit.now` is when it entered that one.

        None: the step cannot take the wait over and has to be entered. What the wait has brought so far is the visit's output.
        """


class Awaited(Protocol):
    """An event that a step waits for."""

    @property
    def event(self) -> str:
        """Its name."""

    @property
    def of(self) -> str | None:
        """Id of the push step whose receipt it has to be."""

    @property
    def where(self) -> Condition | None:
        """What it has to meet, seen as the arriving event."""

    def concerns(self, run: Run, data: Mapping[str, Scalar]) -> bool:
        """Whether an event of that name, with this data, is about what the step waits for; then `where` decides."""


class Leaf:
    """What most steps answer: no branches, nothing that they wait for."""

    @classmethod
    def nested(cls, value: object) -> Iterator[tuple[Path, object]]:
        return iter(())

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        return ()

    def labels(self) -> tuple[str, ...]:
        return ()

    def awaited(self) -> Sequence[Awaited]:
        return ()

    def wake(self, visit: Visit) -> Move:
        return Forward()

    def rejoin(self, visit: Visit) -> Move | None:
        return None
