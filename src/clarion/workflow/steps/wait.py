"""`wait`: let time pass."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.calendar import EVERY_DAY, LATEST, Window, next_opening, next_time_on_days
from clarion.domain.dates import instant
from clarion.domain.problems import Path, quoted
from clarion.domain.templates import Template, TemplateFailure, escapes
from clarion.workflow.fields import Duration
from clarion.workflow.shapes import Object, Reading, Shape
from clarion.workflow.step import Forward, Leaf, Move, Sleep, Visit
from clarion.workflow.times import DateText, DaysShape, TimeOfDay, WindowShape

_SAY_WHEN: Final = ("for", "until", "at", "days", "window")
_EXCLUDE: Final = (("for", "until"), ("before", "after"), ("at", "window"))
_SHIFTS: Final = ("before", "after")


def _contradictions(value: dict[Any, Any], _: Reading) -> Iterator[tuple[Path, str]]:
    if not any(key in value for key in _SAY_WHEN):
        yield (), f"must have at least one of {', '.join(_SAY_WHEN)}"
    for one, other in _EXCLUDE:
        if one in value and other in value:
            yield (other,), f"cannot stand beside {one}"
    for key in _SHIFTS:
        if key in value and "until" not in value:
            yield (key,), "needs an until that it counts from"


class WaitShape(Object):
    """What of a wait's keys can stand together."""

    def __init__(self) -> None:
        super().__init__(
            optional={
                "for": Duration(),
                "until": DateText(most=500),
                "before": Duration(),
                "after": Duration(),
                "at": TimeOfDay(),
                "days": DaysShape(),
                "window": WindowShape(),
            },
            check=_contradictions,
        )

    def schema(self) -> dict[str, Any]:
        return super().schema() | {
            "anyOf": [{"required": [key]} for key in _SAY_WHEN],
            "allOf": [{"not": {"required": list(pair)}} for pair in _EXCLUDE],
            "dependentRequired": {key: ["until"] for key in _SHIFTS},
        }


class Wait(Leaf, msgspec.Struct, frozen=True):
    """Sleeps for a duration or until a date, from there until a time of day, a day of the week, a daily window (semantics §6)."""

    kind: ClassVar[str] = "wait"
    shape: ClassVar[Shape] = WaitShape()

    id: str
    duration: int
    """Microseconds from when the step is entered."""
    until: Template | None
    """A date, in the place of the duration."""
    shift: int
    """Microseconds from that date; negative: before it."""
    at: int | None
    """Microseconds after midnight."""
    days: frozenset[int] | None
    window: Window | None

    @classmethod
    def build(cls, id: str, value: Any) -> "Wait":
        return cls(
            id=id,
            duration=value.get("for", 0),
            until=value.get("until"),
            shift=value.get("after", 0) - value.get("before", 0),
            at=value.get("at"),
            days=value.get("days"),
            window=value.get("window"),
        )

    def enter(self, visit: Visit) -> Move:
        until = self.target(visit)
        if until <= visit.now:
            return Forward()
        visit.note("waiting", {"until": until})
        return Sleep(until)

    def wake(self, visit: Visit) -> Move:
        return Forward()

    def rejoin(self, visit: Visit) -> Move | None:
        return Sleep(self.target(visit))

    def target(self, visit: Visit) -> int:
        """When a wait that is entered at the visit's time is over; not before that time.

        Raises TemplateError if `until` gives no date, or the wait would last past the year 9999.
        """
        earliest = visit.now + self.duration if self.until is None else self._date(self.until, visit) + self.shift
        try:
            return self._open(max(earliest, visit.now), visit)
        except OverflowError:
            msg = "would wait past the year 9999"
            raise TemplateFailure(msg) from None

    def _open(self, earliest: int, visit: Visit) -> int:
        if self.at is not None:
            return next_time_on_days(earliest, self.at, EVERY_DAY if self.days is None else self.days, visit.timezone)
        if self.days is not None or self.window is not None:
            return next_opening(earliest, self.days, self.window, visit.timezone)
        if earliest > LATEST:
            raise OverflowError
        return earliest

    @staticmethod
    def _date(template: Template, visit: Visit) -> int:
        rendered = template.render(visit.scope, escapes.text)
        text = rendered.text.strip()
        date = instant(text, visit.timezone)
        if date is not None:
            return date
        saw = f"{quoted(text)} is no ISO 8601 date" if text else "there is no date"
        missing = f" (missing: {', '.join(rendered.missing)})" if rendered.missing else ""
        raise TemplateFailure(f"until: {saw}{missing}")
