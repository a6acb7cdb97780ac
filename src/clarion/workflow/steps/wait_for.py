"""`wait_for`: stay until one of several events comes, or until it takes too long."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain import system_events
from clarion.domain.conditions import Condition
from clarion.domain.problems import Path, did_you_mean
from clarion.domain.records import Scalar
from clarion.workflow.fields import ConditionTree, Duration, EventName
from clarion.workflow.listener import MOST_LISTENERS
from clarion.workflow.nesting import Steps
from clarion.workflow.run import Run
from clarion.workflow.shapes import Invalid, ListOf, Object, Reading, Shape, Text, tried
from clarion.workflow.step import Awaited, Forward, Into, Leaf, Move, Sleep, Step, Visit

CAME: Final = 0
TIMED_OUT: Final = 1
LONGEST: Final = 365 * 86_400_000_000


class Expected(msgspec.Struct, frozen=True):
    """An event that the step waits for."""

    event: str
    where: Condition | None = None
    of: str | None = None

    def concerns(self, run: Run, data: Mapping[str, Scalar]) -> bool:
        return self.of is None or (data.get("run"), data.get("step")) == (run.id, self.of)


PUSH_ID: Final = Text(most=64)


def _of_problems(value: dict[Any, Any], reading: Reading) -> Iterator[tuple[Path, str]]:
    event, push = value.get("event"), tried(PUSH_ID, value.get("of"))
    if not isinstance(push, str):
        return
    if isinstance(event, str) and event not in system_events.NOTIFICATIONS:
        near = did_you_mean(event, system_events.NOTIFICATIONS)
        yield ("of",), f"goes with what becomes of a push, such as {system_events.CLICKED}{near}"
    problem = reading.push_problem(push)
    if problem is not None:
        yield ("of",), problem


class _ExpectedShape:
    _object = Object({"event": EventName()}, {"where": ConditionTree(), "of": PUSH_ID}, check=_of_problems)

    def read(self, value: object, path: Path, reading: Reading) -> Expected | Invalid:
        of = value.get("of") if isinstance(value, dict) else None
        reading.receipt_of = of if isinstance(of, str) else None
        read = self._object.read(value, path, reading)
        reading.receipt_of = None
        return read if isinstance(read, Invalid) else Expected(**read)

    def schema(self) -> dict[str, Any]:
        return self._object.schema()


class WaitFor(Leaf, msgspec.Struct, frozen=True):
    """Sleeps until an event that matches, or until the timeout."""

    kind: ClassVar[str] = "wait_for"
    shape: ClassVar[Shape] = Object(
        {
            "on": ListOf(_ExpectedShape(), least=1, most=MOST_LISTENERS),
            "timeout": Duration(1, LONGEST, "must be longer than 0s and at most 365d"),
        },
        {"then": Steps(), "otherwise": Steps()},
    )

    id: str
    on: tuple[Expected, ...]
    timeout: int
    """Microseconds."""
    then: tuple[Step, ...] = ()
    otherwise: tuple[Step, ...] = ()

    @classmethod
    def build(cls, id: str, value: Any) -> "WaitFor":
        return cls(id=id, **value)

    @classmethod
    def nested(cls, value: object) -> Iterator[tuple[Path, object]]:
        if isinstance(value, dict):
            yield ("then",), value.get("then")
            yield ("otherwise",), value.get("otherwise")

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        return self.then, self.otherwise

    def labels(self) -> tuple[str, ...]:
        return "then", "otherwise"

    def awaited(self) -> Sequence[Awaited]:
        return self.on

    def enter(self, visit: Visit) -> Move:
        """A wait does not look back, but for receipts of a push of this run (semantics §5)."""
        for name, data in self._recorded(visit):
            visit.output = {"event": data}
            visit.note("resumed", {"event_name": name, "recorded": True})
            return Into(CAME)
        until = visit.now + self.timeout
        visit.note("waiting", {"until": until, "for": [expected.event for expected in self.on]})
        return Sleep(until)

    def wake(self, visit: Visit) -> Move:
        if visit.output is not None and "event" in visit.output:
            return Into(CAME)
        visit.note("timed_out")
        return Into(TIMED_OUT)

    def rejoin(self, visit: Visit) -> Move | None:
        if visit.output is not None and "event" in visit.output:
            return Forward()
        return None if any(self._recorded(visit)) else Sleep(visit.now + self.timeout)

    def _recorded(self, visit: Visit) -> Iterator[tuple[str, dict[str, Scalar]]]:
        """Name and data of the receipts that are known already and that the step waits for."""
        for expected in self.on:
            if expected.of is None:
                continue
            for data in visit.run.receipts.get(expected.of, {}).get(expected.event, ()):
                if expected.where is None or expected.where.evaluate(msgspec.structs.replace(visit.scope, event=data)):
                    yield expected.event, data
