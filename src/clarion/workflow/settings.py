"""What holds for a whole workflow: the zone of its times, quiet hours, a frequency cap, a goal (semantics §2, §6)."""

from typing import Any, Final

import msgspec

from clarion.domain.calendar import Window
from clarion.domain.conditions import Condition
from clarion.domain.problems import Path
from clarion.domain.records import FrequencyCap
from clarion.domain.system_events import CLICKED, VIEWED
from clarion.workflow.fields import ConditionTree, Duration, EventField, EventName
from clarion.workflow.shapes import INVALID, Choice, Invalid, Object, Reading, Whole
from clarion.workflow.times import TimezoneShape, WindowShape

MINUTE: Final = 60_000_000
DAY: Final = 86_400_000_000
MOST_PUSHES: Final = 100
"""That a frequency cap may allow: as many times are remembered for each profile."""
LONGEST_PER: Final = 90 * DAY
LONGEST_WITHIN: Final = 365 * DAY


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What the workflow is for: an event of the profile within a time from entry."""

    event: str
    within: int
    """Microseconds from entry."""
    where: Condition | None = None
    value: str | None = None
    """Field of the event that says what it is worth."""
    attribution: str = "entry"
    """entry; click or view: only after the receiver did that with one of the run's pushes."""
    count: str = "first"
    """first, every."""

    @property
    def receipt(self) -> str | None:
        """Name of the event that has to come first."""
        return {"click": CLICKED, "view": VIEWED}.get(self.attribution)


class Settings(msgspec.Struct, frozen=True):
    """Of one version of a workflow."""

    timezone: str = "subscriber"
    """subscriber, site, or an IANA name."""
    quiet_hours: Window | None = None
    frequency_cap: FrequencyCap | None = None
    goal: Goal | None = None


class FrequencyCapShape:
    """`{pushes, per}`."""

    _object = Object(
        {"pushes": Whole(1, MOST_PUSHES), "per": Duration(MINUTE, LONGEST_PER, "must be at least 1m and at most 90d")},
    )

    def read(self, value: object, path: Path, reading: Reading) -> FrequencyCap | Invalid:
        read = self._object.read(value, path, reading)
        return INVALID if read is INVALID else FrequencyCap(**read)

    def schema(self) -> dict[str, Any]:
        return self._object.schema()


class _GoalShape:
    _object = Object(
        {"event": EventName(), "within": Duration(1, LONGEST_WITHIN, "must be longer than 0s and at most 365d")},
        {
            "where": ConditionTree(),
            "value": EventField(),
            "attribution": Choice("entry", "click", "view"),
            "count": Choice("first", "every"),
        },
    )

    def read(self, value: object, path: Path, reading: Reading) -> Goal | Invalid:
        reading.running = True
        read = self._object.read(value, path, reading)
        reading.running = False
        return INVALID if read is INVALID else Goal(**read)

    def schema(self) -> dict[str, Any]:
        return self._object.schema()


class SettingsShape:
    """The `settings` of a document."""

    _object = Object(
        optional={
            "timezone": TimezoneShape(),
            "quiet_hours": WindowShape(),
            "frequency_cap": FrequencyCapShape(),
            "goal": _GoalShape(),
        }
    )

    def read(self, value: object, path: Path, reading: Reading) -> Settings | Invalid:
        read = self._object.read(value, path, reading)
        return INVALID if read is INVALID else Settings(**read)

    def schema(self) -> dict[str, Any]:
        return self._object.schema()
