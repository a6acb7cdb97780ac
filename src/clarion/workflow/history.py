"""What explanations hold: what one input meant to each workflow that it concerned, and what runs did because of it."""

from typing import Final

import msgspec

from clarion.workflow.run import Reason
from clarion.workflow.start import Verdict

TIMER: Final = "timer"
OUTCOME: Final = "outcome"
OPERATOR: Final = "operator"
WORKFLOW: Final = "workflow"
RECEIPT: Final = "receipt"
SUBSCRIBER: Final = "subscriber"
SEGMENT: Final = "segment"
PROFILE: Final = "profile"

MOST_TOLD: Final = 100
"""Runs, and verdicts, that one explanation has at most; what has more is told in several, one after the other."""


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an explanation."""

    name: str
    """Name of the event, or what else came in.

    `timer`, `outcome` of a delivery, `operator` for what an operator did, `workflow` for a publish, `receipt`, `subscriber` for a
    registration or another change of a subscriber, `profile` for a change of attributes and segments, `segment` for who has come into a
    dynamic segment or gone out of it, or for its new definition.
    """
    verdicts: tuple[Verdict, ...] = ()
    runs: tuple[tuple[str, tuple[Reason, ...]], ...] = ()
    """(run id, what it did)."""
    unknown_subscriber: bool = False
    notes: tuple[str, ...] = ()
    """What of a change was not made, and why."""

    def goes_on_in(self, later: "History") -> bool:
        """Whether the next explanation of the same event and profile, of the same time, may be the rest of this one."""
        is_full = max(len(self.verdicts), len(self.runs)) >= MOST_TOLD
        return is_full and (self.name, self.unknown_subscriber) == (later.name, later.unknown_subscriber)

    def with_rest(self, later: "History") -> "History":
        """Both as one."""
        return msgspec.structs.replace(
            self, verdicts=self.verdicts + later.verdicts, runs=self.runs + later.runs, notes=self.notes + later.notes
        )
