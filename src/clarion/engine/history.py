"""Explanations: what one input meant to each workflow that it concerned, and what runs did."""

from collections.abc import Iterable

import msgspec

from clarion.engine.ledger import Ledger
from clarion.store.records.explanations import Explanation
from clarion.workflow.history import MOST_TOLD, OPERATOR, PROFILE, SEGMENT, TIMER, WORKFLOW, History
from clarion.workflow.run import Reason
from clarion.workflow.start import Verdict

__all__ = ["OPERATOR", "PROFILE", "SEGMENT", "TIMER", "WORKFLOW", "History", "Teller"]

_encode = msgspec.json.Encoder().encode


class Teller:
    """Gathers what there is to tell of the input that is being applied."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._verdicts: list[Verdict] = []
        self._runs: list[tuple[str, tuple[Reason, ...]]] = []
        self._notes: tuple[str, ...] = ()

    def verdict(self, verdict: Verdict) -> None:
        """What the input meant to a workflow."""
        self._verdicts.append(verdict)

    def run(self, run: str, reasons: tuple[Reason, ...]) -> None:
        """What a run did."""
        if reasons:
            self._runs.append((run, reasons))

    def note(self, notes: Iterable[str]) -> None:
        """What of a change was not made, and why."""
        self._notes = (*self._notes, *notes)

    def close(self, site: int, profile: str, event: str, name: str, now: int) -> None:
        """Book the explanation, if there is anything to tell."""
        for start in range(0, max(len(self._verdicts), len(self._runs), bool(self._notes)), MOST_TOLD):
            part = slice(start, start + MOST_TOLD)
            notes = () if start else self._notes
            self._book(site, profile, event, now, History(name, tuple(self._verdicts[part]), tuple(self._runs[part]), notes=notes))
        self.forget()

    def unknown_subscriber(self, site: int, event: str, name: str, now: int, verdicts: Iterable[Verdict]) -> None:
        """Book that an event named a subscriber that is not there."""
        told = tuple(verdicts)
        for start in range(0, max(1, len(told)), MOST_TOLD):
            self._book(site, "", event, now, History(name, told[start : start + MOST_TOLD], unknown_subscriber=True))

    def forget(self) -> None:
        """Drop what was gathered; after an input that failed."""
        self._verdicts, self._runs, self._notes = [], [], ()

    def _book(self, site: int, profile: str, event: str, now: int, history: History) -> None:
        self._ledger.explanations.append(Explanation(site, profile, event, now, msgspec.Raw(_encode(history))))
