"""Lines of a run's history in sentences: what happened at a step, when and why."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from clarion.workflow.advance import STEP_REMOVED
from clarion.workflow.explain import words
from clarion.workflow.explain.rows import ToldRow, name_rows, tell_rows
from clarion.workflow.run import Reason

Detail = dict[str, Any]


class ToldReason(msgspec.Struct, frozen=True):
    """One line of a run's history."""

    at: int
    what: str
    """waiting, push, http, decided, split, resumed, quiet_hours, capped, no_subscriber, stale, goal, completed, exited, failed, …"""
    step: str | None
    rows: tuple[ToldRow, ...]
    """Of the conditions that decided."""
    detail: Detail
    """What else there is to know; times are UTC microseconds."""
    sentence: str


def tell_reason(reason: Reason) -> ToldReason:
    """One line of a run's history."""
    stored = reason.detail.get("rows")
    rows = tell_rows(stored if isinstance(stored, list) else ())
    detail = {name: value for name, value in reason.detail.items() if name != "rows"}
    say = _SAYINGS.get(reason.what)
    said = words.name(reason.what) if say is None else say(_without_step(detail, reason.step), name_rows(rows))
    return ToldReason(reason.at, reason.what, reason.step, rows, detail, said + _missing(detail))


def _without_step(detail: Detail, step: str | None) -> Detail:
    """Why a run has failed begins with the step, which stands beside every line."""
    why = detail.get("reason")
    return detail | {"reason": why.removeprefix(f"step {step}: ")} if isinstance(why, str) else detail


def _missing(detail: Detail) -> str:
    missing = detail.get("missing")
    return f"; nothing to fill in for {words.names(missing)}" if missing else ""


def _waiting(detail: Detail, _: str) -> str:
    until = words.instant(detail.get("until"))
    return f"waits for {words.names(detail['for'])}, until {until}" if "for" in detail else f"waits until {until}"


def _capped(detail: Detail, _: str) -> str:
    pushes, per = detail.get("pushes"), words.span(detail.get("per"))
    cap = f"{words.value(pushes)} push{'' if pushes == 1 else 'es'} in {per}"
    return f"no push: the {words.name(detail.get('cap', 'frequency'))}'s cap of {cap} is reached"


def _result(detail: Detail, _: str) -> str:
    status = f" with status {words.value(detail['status'])}" if "status" in detail else ""
    return f"the request's outcome came: {words.name(detail.get('outcome', 'unknown'))}{status}"


def _decided(detail: Detail, rows: str) -> str:
    branch = words.name(detail.get("branch", "?"))
    return f"took {'else' if branch == 'else' else f'case {branch}'}{f' ({rows})' if rows else ''}"


def _resumed(detail: Detail, _: str) -> str:
    recorded = ", which had been recorded before" if detail.get("recorded") else ""
    return f"went on, for {words.name(detail.get('event_name', 'an event'))} came{recorded}"


def _moved(detail: Detail, _: str) -> str:
    source = f" from version {words.value(detail['from'])}" if "from" in detail else " to this step"
    return f"was moved{source}, to go on in version {words.value(detail.get('version'))}"


def _goal(detail: Detail, _: str) -> str:
    worth = f", worth {words.value(detail['value'])}" if "value" in detail else ""
    nothing = f", without a number in {words.name(detail['no_value'])}" if "no_value" in detail else ""
    return f"met its goal, for {words.name(detail.get('event_name', 'an event'))} came{worth}{nothing}"


def _ended(how: str) -> Callable[[Detail, str], str]:
    def say(detail: Detail, rows: str) -> str:
        return f"{how}{reason_words(detail.get('reason'))}{f' ({rows})' if rows else ''}"

    return say


def reason_words(reason: object) -> str:
    """Why a run has ended, after what it ended as: `: restarted by a new start`; empty if there is nothing to say."""
    if reason is None:
        return ""
    return f": {_CAUSES.get(str(reason)) or words.name(reason)}"


_CAUSES: Final[Mapping[str, str]] = {
    "audience": "an exit rule on the audience holds",
    "restarted": "a new start took its place (start.while_running: restart)",
    "merged": "its profile was merged into one that has an older run",
    STEP_REMOVED: "the version that it was to go on in has no such step",
    "ended": "a publish ended the runs under way",
    "archived": "the workflow was archived",
    "stopped": "an operator stopped it",
}


def _changes(detail: Detail, *kinds: tuple[str, str]) -> str:
    parts = [f"{verb} {words.names(detail[kind])}" for kind, verb in kinds if detail.get(kind)]
    return " and ".join(parts) or "changed nothing"


_SAYINGS: Final[Mapping[str, Callable[[Detail, str], str]]] = {
    "waiting": _waiting,
    "quiet_hours": lambda detail, _: f"quiet hours: the push waits until {words.instant(detail.get('until'))}",
    "push": lambda _, __: "sends a push",
    "capped": _capped,
    "no_subscriber": lambda _, __: "no push: the profile has no active subscriber",
    "stale": lambda _, __: "no push: the pause held it for too long",
    "http": lambda _, __: "sends a request",
    "awaiting": lambda _, __: "sends a request and waits for its outcome",
    "result": _result,
    "decided": _decided,
    "split": lambda detail, _: f"took path {words.quoted(detail.get('path', '?'))}",
    "resumed": _resumed,
    "timed_out": lambda _, __: "went on, for nothing that it waited for came in time",
    "retried": lambda detail, _: f"is tried again here, in version {words.value(detail.get('version'))}",
    "moved": _moved,
    "not_resumed": lambda _, rows: f"did not go on: {rows or 'what came is not what it waits for'}",
    "not_exited": lambda _, rows: f"did not exit: {rows or 'the rule did not hold'}",
    "goal": _goal,
    "segment": lambda detail, _: _changes(
        detail, ("added", "joined segment"), ("removed", "left segment"), ("ignored", "left to its condition: segment")
    ),
    "update": lambda detail, _: _changes(detail, ("set", "set"), ("removed", "removed")),
    "send_event": lambda detail, _: f"sends event {words.name(detail.get('name', '?'))}",
    "start_workflow": lambda detail, _: f"asks for a start of workflow {words.name(detail.get('workflow', '?'))}",
    "stop_workflow": lambda detail, _: f"stops the runs of workflow {words.name(detail.get('workflow', '?'))}",
    "completed": _ended("came to its end"),
    "exited": _ended("exited"),
    "failed": _ended("failed"),
}
