"""Verdicts in sentences: what an event meant to a workflow, and if it started nothing, exactly why."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from clarion.workflow.advance import MOST_HOPS
from clarion.workflow.explain import words
from clarion.workflow.explain.rows import ToldRow, name_rows, tell_rows
from clarion.workflow.start import Verdict

REFUSALS: Final = frozenset(
    {
        "where", "audience", "already_running", "not_again", "no_key", "too_old", "paused", "draining", "archived", "hop_limit",
        "unknown_subscriber", "unknown_workflow", "too_many_runs",
    }
)  # fmt: skip
"""Verdicts that say why nothing was started; `hop_limit` and `archived` with a run, why that was not resumed or retried."""


class Known(msgspec.Struct, frozen=True):
    """What a verdict does not hold, from elsewhere."""

    since: int | None = None
    """When the run that stood in the way was started."""
    ended: int | None = None
    """When that run has ended since."""
    again: int | None = None
    """The time that has to pass between two starts, microseconds; None: it may never start again, or that is not known."""
    never: bool = False
    """Whether it may never start again."""


class ToldVerdict(msgspec.Struct, frozen=True):
    """What an event meant to a workflow."""

    workflow: str
    version: int
    verdict: str
    run_id: str | None
    """The run that was started, resumed or ended, or that stood in the way."""
    rows: tuple[ToldRow, ...]
    detail: dict[str, Any]
    """What else there is to know, by verdict.

    already_running: `since`, `ended`; not_again: `last_start`, `again_at`; no_key: `field`; too_old: `happened`, `max_age`; hop_limit:
    `hops`; too_many_runs: `runs`. Times are UTC microseconds.
    """
    sentence: str

    @property
    def refuses(self) -> bool:
        """Whether it says why the event did not start the workflow."""
        return self.verdict in REFUSALS and not (self.verdict in ("hop_limit", "archived") and self.run_id is not None)


_NOTHING_KNOWN: Final = Known()


def tell_verdict(verdict: Verdict, at: int, known: Known = _NOTHING_KNOWN) -> ToldVerdict:
    """A verdict of an event that was applied at a time."""
    rows = tell_rows(verdict.rows)
    detail = dict(verdict.detail)
    if verdict.verdict == "already_running":
        detail |= {name: time for name, time in (("since", known.since), ("ended", known.ended)) if time is not None}
    last = detail.get("last_start")
    if verdict.verdict == "not_again" and known.again is not None and isinstance(last, int):
        detail["again_at"] = last + known.again
    say = _SAYINGS.get(verdict.verdict)
    said = words.name(verdict.verdict) if say is None else say(_Case(verdict, at, known, name_rows(rows), detail))
    return ToldVerdict(verdict.workflow, verdict.version, verdict.verdict, verdict.run, rows, detail, said)


class _Case(msgspec.Struct, frozen=True):
    """One verdict to word."""

    verdict: Verdict
    at: int
    known: Known
    rows: str
    detail: dict[str, Any]

    @property
    def run(self) -> str:
        return f"run {words.name(self.verdict.run or '?')}"

    @property
    def because(self) -> str:
        return f" ({self.rows})" if self.rows else ""


def _already_running(case: _Case) -> str:
    since = "" if case.known.since is None else f" since {words.instant(case.known.since)}"
    if case.known.ended is None:
        return f"not started: {case.run} has been under way{since}"
    return f"not started: {case.run} was under way{since}, until {words.instant(case.known.ended)}"


def _not_again(case: _Case) -> str:
    said = f"not started: it was last started at {words.instant(case.detail.get('last_start'))}"
    if case.known.never:
        return f"{said} and may never start again (start.again: never)"
    if "again_at" not in case.detail:
        return f"{said} and may not start again yet (start.again)"
    return f"{said} and may start again from {words.instant(case.detail['again_at'])} (start.again: after {words.span(case.known.again)})"


def _too_old(case: _Case) -> str:
    happened, age = case.detail.get("happened"), words.span(case.detail.get("max_age"))
    return f"not started: it happened at {words.instant(happened)}, more than {age} before {words.instant(case.at)} (start.max_age)"


def _hop_limit(case: _Case) -> str:
    refused = "started" if case.verdict.run is None else f"resumed {case.run}"
    return f"not {refused}: the event is {words.value(case.detail.get('hops'))} runs away from one from outside (at most {MOST_HOPS - 1})"


_SAYINGS: Final[Mapping[str, Callable[[_Case], str]]] = {
    "started": lambda case: f"started {case.run}{case.because}",
    "resumed": lambda case: f"resumed {case.run}",
    "exited": lambda case: f"ended {case.run}{case.because}",
    "failed": lambda case: f"ended {case.run}, which failed",
    "goal": lambda case: f"met the goal of {case.run}{case.because}",
    "where": lambda case: f"not started: {case.rows or 'its conditions did not hold'}",
    "audience": lambda case: f"not started: {case.rows or 'the profile is not in the audience'}",
    "already_running": _already_running,
    "not_again": _not_again,
    "no_key": lambda case: f"not started: the key {words.name(case.detail.get('field', '?'))} is missing (start.key)",
    "too_old": _too_old,
    "paused": lambda _: "not started: the workflow was paused",
    "draining": lambda _: "not started: the workflow was draining, which starts nothing",
    "archived": lambda case: f"not {'started' if case.verdict.run is None else f'taken up again, {case.run}'}: the workflow was archived",
    "hop_limit": _hop_limit,
    "unknown_subscriber": lambda _: "not started: no subscriber had the event's device_token_hash",
    "unknown_workflow": lambda _: "not started: there was no such workflow",
    "too_many_runs": lambda case: (
        f"not started: the profile had {words.value(case.detail.get('runs'))} runs under way, the most that it can have"
    ),
}
