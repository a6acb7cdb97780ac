"""The dynamic segments of a site, made ready: who has to be tested anew after what has changed, and in which order (semantics §5)."""

from collections.abc import Iterable, Sequence

import msgspec
import structlog

from clarion.domain.conditions import Condition
from clarion.store.records.states import SegmentState
from clarion.workflow.segments import read_segment_condition, segments_named

_log = structlog.get_logger(__name__)

_ATTRIBUTE = "profile."


class Dynamic(msgspec.Struct, frozen=True):
    """One dynamic segment."""

    segment: str
    condition: Condition
    attributes: frozenset[str]
    """Of the profile, that it looks at."""
    names: frozenset[str] | None
    """Segments that it looks at; None: any."""
    sees_subscriber: bool
    is_timed: bool
    """Whether it may turn out otherwise by time alone."""


class Dynamics(msgspec.Struct, frozen=True):
    """Those of a site, each behind those that it depends on; a circle is cut at the name that comes first.

    Tested in this order, once each, they agree with one another, but for circles: there each is as of those before it.
    """

    all: tuple[Dynamic, ...] = ()
    names: frozenset[str] = frozenset()


NONE = Dynamics()


def compiled(state: SegmentState) -> Dynamic:
    """A segment from what the log says of it. Raises ValueError for a condition that is not valid in this version of Clarion."""
    condition, problems = read_segment_condition(state.segment, state.condition)
    if condition is None:
        raise ValueError(f"the condition of segment {state.segment} is not valid: {problems[0].message}")
    attributes = frozenset(field.removeprefix(_ATTRIBUTE) for field in condition.fields if field.startswith(_ATTRIBUTE))
    sees_subscriber = any(field.startswith("subscriber.") for field in condition.fields)
    return Dynamic(state.segment, condition, attributes, segments_named(state.condition), sees_subscriber, condition.is_timed)


def arranged(states: Iterable[SegmentState]) -> Dynamics:
    """The segments of a site. One that is not valid in this version of Clarion takes nobody in and lets nobody out."""
    found = []
    for state in sorted(states, key=lambda one: one.segment):
        try:
            found.append(compiled(state))
        except ValueError as error:
            _log.error("a stored segment is not valid in this version of Clarion; its members stay as they are", error=str(error))
    ordered = tuple(_ordered(found))
    return Dynamics(ordered, frozenset(one.segment for one in ordered))


def _ordered(waiting: Sequence[Dynamic]) -> Iterable[Dynamic]:
    left = {one.segment: one for one in waiting}
    while left:
        free = (one for one in left.values() if not (left.keys() & one.names if one.names is not None else left.keys() - {one.segment}))
        one = next(free, None) or next(iter(left.values()))
        del left[one.segment]
        yield one
