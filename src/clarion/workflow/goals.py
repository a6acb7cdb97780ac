"""Goals (semantics §6): whether an event is what a run was for, and what it was worth."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from clarion.domain.lookup import lookup
from clarion.domain.records import Event, Scalar
from clarion.workflow.advance import Person, scope_of
from clarion.workflow.program import Program
from clarion.workflow.run import Reason, Run, Tally

MILLIONTHS: Final = 1_000_000
GREATEST: Final = 10**12
"""A value beyond this, either way, is not counted: sums must stay exact."""


class Reached(msgspec.Struct, frozen=True):
    """A run whose goal an event has met."""

    run: Run
    reason: Reason
    tallies: tuple[Tally, ...]
    rows: tuple[Any, ...] = ()


def reach(program: Program, run: Run, event: Event, data: dict[str, Scalar], now: int, person: Person) -> Reached | None:
    """What an event means to the goal of a run, in flight or ended; None: nothing."""
    goal = program.document.settings.goal
    if goal is None or goal.event != event.name or run.goal_until is None or now > run.goal_until:
        return None
    if goal.receipt is not None and not any(goal.receipt in events for events in run.receipts.values()):
        return None
    scope = scope_of(run, now, person, data)
    rows: tuple[Any, ...] = ()
    if goal.where is not None:
        verdict = goal.where.explain(scope)
        if not verdict.ok:
            return None
        rows = tuple(verdict.rows)
    found = None if goal.value is None else lookup(scope, goal.value)
    worth = _millionths(found)
    tallies = [Tally(run.version, "", "goals")]
    tallies += [Tally(run.version, split, "goals", path) for split, path in run.paths.items()]
    if worth:
        tallies.append(Tally(run.version, "", "value", count=worth))
        tallies += [Tally(run.version, split, "value", path, worth) for split, path in run.paths.items()]
    after = msgspec.structs.replace(run, reached=True, goal_until=run.goal_until if goal.count == "every" else None)
    detail: dict[str, Any] = {"event": event.id, "event_name": event.name}
    if worth is not None:
        detail["value"] = worth / MILLIONTHS
    elif goal.value is not None:
        detail["no_value"] = goal.value
    return Reached(after, Reason(now, "goal", run.step, detail), tuple(tallies), rows)


def _millionths(value: object) -> int | None:
    """A number in millionths, the rest rounded half to even; None for what is no number, or too great to be summed."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(str(value))
    return int((exact * MILLIONTHS).to_integral_value()) if abs(exact) <= GREATEST else None
