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


class History(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an explanation."""

    name: str
    """Name of the event, or what else came in.

    `timer`, `outcome` of a delivery, `operator` for what an operator did, `workflow` for a publish, `receipt`, `subscriber` for a
    registration.
    """
    verdicts: tuple[Verdict, ...] = ()
    runs: tuple[tuple[str, tuple[Reason, ...]], ...] = ()
    """(run id, what it did)."""
    unknown_subscriber: bool = False
    more: int = 0
    """How many runs and verdicts are left out."""
