"""The program: a document flattened, so that a run's place in it is a step's id."""

from collections.abc import Iterator
from typing import Final

import msgspec

from clarion.domain.system_events import CLICKED, CLOSED, VIEWED
from clarion.workflow.document import Document, Listener
from clarion.workflow.step import Step

REACTIONS: Final = frozenset({VIEWED, CLICKED, CLOSED})
"""What people do with a notification."""


class Place(msgspec.Struct, frozen=True):
    """A step and where its ways lead."""

    step: Step
    next: str | None
    """Id of the step after it, past the end of a branch the one after the branching step; None where the workflow ends."""
    branches: tuple[str | None, ...]
    """Id of the first step of each branch; `next` for an empty one."""
    labels: tuple[str, ...]
    """What counters call the branches."""
    awaits: frozenset[str]
    """Names of the events that the step waits for."""


class Program(msgspec.Struct, frozen=True, weakref=True):
    """One version of a workflow, ready to run."""

    workflow: str
    version: int
    document: Document
    first: str | None
    places: dict[str, Place]
    exits: dict[str, tuple[Listener, ...]]
    """The exit rules by the event that they listen for."""
    receipts: frozenset[tuple[str, str]]
    """(push step, event) of the receipts that a step may ask for later."""

    def starts_on(self, event: str) -> tuple[Listener, ...]:
        """The start triggers that listen for an event's name."""
        return tuple(listener for listener in self.document.start.on if listener.event == event)

    def exits_on(self, event: str) -> tuple[Listener, ...]:
        """The exit rules that listen for an event's name."""
        return self.exits.get(event, ())

    def keeps(self, step: str, event: str) -> bool:
        """Whether a run has to remember what became of one of its pushes.

        What people did it remembers always: a version that it is moved to may ask. Whether a push was sent, or failed, is told for each
        subscriber, and is kept only where this version asks.
        """
        return event in REACTIONS or (step, event) in self.receipts


def compile_program(document: Document, version: int) -> Program:
    """Flatten a document."""
    places = dict(_flatten(document.steps, None))
    first = document.steps[0].id if document.steps else None
    exits: dict[str, tuple[Listener, ...]] = {}
    for rule in document.exit:
        exits[rule.event] = (*exits.get(rule.event, ()), rule)
    receipts = frozenset(
        (expected.of, expected.event) for place in places.values() for expected in place.step.awaited() if expected.of is not None
    )
    return Program(document.workflow, version, document, first, places, exits, receipts)


def _flatten(steps: tuple[Step, ...], after: str | None) -> Iterator[tuple[str, Place]]:
    """Places of a list of steps whose end leads to `after`."""
    for index, step in enumerate(steps):
        following = steps[index + 1].id if index + 1 < len(steps) else after
        branches = step.branches()
        firsts = tuple(branch[0].id if branch else following for branch in branches)
        yield step.id, Place(step, following, firsts, step.labels(), frozenset(one.event for one in step.awaited()))
        for branch in branches:
            yield from _flatten(branch, following)
