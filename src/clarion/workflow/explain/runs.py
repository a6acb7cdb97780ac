"""Where a run stands, in a sentence."""

from typing import Final

import msgspec

from clarion.workflow.explain import words
from clarion.workflow.explain.reasons import ToldReason, reason_words
from clarion.workflow.run import COMPLETED, FAILED, WAITING

SENT: Final = "sent"
_STANDING: Final = frozenset({"waiting", "quiet_hours", "awaiting", "retried", "moved"})
"""Lines of a history that say why a run stands where it does."""
UNDER_WAY: Final = ("pending", "held")


class Sending(msgspec.Struct, frozen=True):
    """One push or request of a run on its way out."""

    kind: str
    """push or http."""
    step: str
    status: str
    """pending, held, sent, failed, gone, expired, stale."""
    at: int
    """When it ended; before that, when it was made."""
    problem: str | None = None
    """What was wrong with the last attempt."""

    @property
    def thing(self) -> str:
        """What it is called."""
        return "a push" if self.kind == "push" else "a request"


class RunFacts(msgspec.Struct, frozen=True):
    """A run as it is kept, with its history, oldest first."""

    id: str
    version: int
    status: str
    step: str | None
    since: int
    """When that step was entered."""
    due: int | None
    held: bool
    started: int
    ended: int | None
    reason: str | None
    sendings: tuple[Sending, ...] = ()
    """Newest first."""
    history: tuple[ToldReason, ...] = ()
    has_push: bool = False
    """Whether its version has a push step."""

    @property
    def sentence(self) -> str:
        """Where it stands, or how it ended."""
        if self.status != WAITING:
            return f"{_ENDINGS.get(self.status, 'exited')} at {words.instant(self.ended)}{reason_words(self.reason)}"
        stands = f"has stood at step {words.name(self.step or '?')} since {words.instant(self.since)}"
        here = [line for line in self.history if line.step == self.step and line.at >= self.since and line.what in _STANDING]
        goes_on = "" if self.due is None else f", until {words.instant(self.due)}"
        said = f"{stands}: {self._stands_for(here)}" if here else f"{stands}{goes_on}"
        return f"{said}; its timer is due, but the workflow is paused" if self.held else said

    def _stands_for(self, here: list[ToldReason]) -> str:
        """The last line about its stand; where that is a move amid a wait, also until when or for what it waits now."""
        last = here[-1]
        if last.what != "moved":
            return last.sentence
        if self.due is not None:  # a step that is to be entered anew has it at once
            return last.sentence if self.due <= last.at else f"{last.sentence}; waits until {words.instant(self.due)}"
        before = next((line for line in reversed(here) if line.what != "moved"), None)
        return last.sentence if before is None else f"{before.sentence}; {last.sentence}"


_ENDINGS: Final = {COMPLETED: "came to its end", FAILED: "failed"}
