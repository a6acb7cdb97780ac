"""Whether an event starts a workflow for a profile, and if not, exactly why."""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from clarion.domain.lookup import lookup
from clarion.domain.records import MISSING, Event, Missing, Scalar, Scope
from clarion.workflow.advance import MOST_HOPS
from clarion.workflow.document import Listener
from clarion.workflow.program import Program
from clarion.workflow.run import Run

ACTIVE = "active"
DRAINING = "draining"
PAUSED = "paused"
ARCHIVED = "archived"


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an event meant to one workflow."""

    workflow: str
    version: int
    verdict: str
    """started, resumed, exited, goal, or why not.

    where, audience, already_running, not_again, no_key, too_old, paused, draining, archived, hop_limit, unknown_subscriber,
    unknown_workflow, too_many_runs.
    """
    run: str | None = None
    """The run that was started, exited or stands in the way."""
    rows: tuple[Any, ...] = ()
    """The condition's rows with the values they saw."""
    detail: dict[str, Any] = {}


class Decision(msgspec.Struct, frozen=True):
    """The verdict, and what to do when it is `started`."""

    verdict: Verdict
    key: str | None = None
    restart: tuple[str, ...] = ()
    """Runs that exit with reason `restarted` first."""


def consider(
    program: Program,
    event: Event,
    listeners: Sequence[Listener],
    scope: Scope,
    running: Sequence[Run],
    last_start: Callable[[str | None], int | None],
    status: str,
) -> Decision:
    """Judge an event that the workflow listens for, or that a `start_workflow` step made for it, without listeners to ask.

    `status` is the workflow's; `running` are the profile's runs in flight of this workflow; `last_start(key)` is when the profile last
    started it with that key.
    """

    def refuse(why: str, run: str | None = None, rows: tuple[Any, ...] = (), **detail: Any) -> Decision:
        return Decision(Verdict(program.workflow, program.version, why, run, rows, detail))

    start = program.document.start
    if event.hops >= MOST_HOPS:
        return refuse("hop_limit", hops=event.hops)
    if status != ACTIVE:
        return refuse(status)
    matched, rows = _match(listeners, scope) if event.workflow is None else (True, ())
    if not matched:
        return refuse("where", rows=rows)
    happened = event.received if event.timestamp is None else event.timestamp
    if happened < scope.now - start.max_age:
        return refuse("too_old", happened=happened, max_age=start.max_age)
    if start.audience is not None:
        audience = start.audience.explain(scope)
        if not audience.ok:
            return refuse("audience", rows=tuple(audience.rows))
    key = entry_key(program, scope)
    if isinstance(key, Missing):
        return refuse("no_key", field=start.key)
    same = [run for run in running if run.key == key]
    if same and start.while_running == "ignore":
        return refuse("already_running", same[0].id)
    last = last_start(key)
    after = start.again.after
    if last is not None and after != 0 and (after is None or scope.now < last + after):
        return refuse("not_again", last_start=last)
    restart = tuple(run.id for run in same) if start.while_running == "restart" else ()
    return Decision(Verdict(program.workflow, program.version, "started", None, rows), key, restart)


def entry_key(program: Program, scope: Scope) -> str | Missing | None:
    """The run's key: None where the workflow has none, MISSING where the event lacks it."""
    field = program.document.start.key
    if field is None:
        return None
    value = lookup(scope, field)
    return spell_key(value) if isinstance(value, Scalar) else MISSING


def remembered_key(program: Program, event: Event) -> str | None:
    """Under which key it matters when a profile last started the workflow; None where it does not matter, or the event has no key."""
    start = program.document.start
    if start.again.after == 0:
        return None
    if start.key is None:
        return ""
    data: dict[str, Scalar] = msgspec.json.decode(event.data)
    key = entry_key(program, Scope(event=data, entry=data))
    return key if isinstance(key, str) else None


def spell_key(value: Scalar) -> str:
    """A key's value as text: a number or boolean as JSON writes it."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _match(listeners: Sequence[Listener], scope: Scope) -> tuple[bool, tuple[Any, ...]]:
    """Whether any of the triggers holds, with the rows that it, or all of them, looked at."""
    rows: list[Any] = []
    for listener in listeners:
        if listener.where is None:
            return True, ()
        verdict = listener.where.explain(scope)
        if verdict.ok:
            return True, tuple(verdict.rows)
        rows.extend(verdict.rows)
    return False, tuple(rows)
