"""What is recorded, read from the store and put into words; each run and version is read once."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from typing import Final

import msgspec

from clarion.control.explain.answers import ToldEvent, ToldInput, ToldRun
from clarion.domain.records import Event
from clarion.store.port import NotFound, Store
from clarion.store.records.entries import LogRow
from clarion.store.records.explanations import Explanation
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site
from clarion.workflow.explain.outline import UNREADABLE, Outline, outline
from clarion.workflow.explain.reasons import tell_reason
from clarion.workflow.explain.verdicts import ToldVerdict, tell_verdict
from clarion.workflow.history import OPERATOR, OUTCOME, PROFILE, RECEIPT, SUBSCRIBER, TIMER, WORKFLOW, History
from clarion.workflow.run import Reason
from clarion.workflow.start import ARCHIVED, Verdict

MOST_LOOKED_UP: Final = 500
"""Runs, and versions, that one answer reads."""
MOST_SEARCHED: Final = 2_000
"""Explanations that one answer looks at."""
MOST_READ: Final = 8 * 1024 * 1024
"""Bytes of explanations that one answer looks at."""
PAGE: Final = 100
"""Explanations that are read at once; in between others have their turn."""

EVENT: Final = "event"
_OTHERS: Final = frozenset({TIMER, OUTCOME, OPERATOR, WORKFLOW, RECEIPT, SUBSCRIBER, PROFILE})
_OF_RUNS: Final = frozenset({TIMER, WORKFLOW})
"""What is filed under the run that it is about."""

_IN_ITS_VERSION: Final = frozenset({"started", "resumed", "exited", "failed", "goal"})
"""Verdicts that have the version of the run that they name."""
_MOVES: Final = frozenset({"moved", "retried"})
"""What leads a run into a version."""


class _Stay(msgspec.Struct):
    """Of a run's state: the visit, which grows when it is retried or moved."""

    visit: int = 1


_decode_stay = msgspec.json.Decoder(_Stay).decode
_decode_history = msgspec.json.Decoder(History).decode
_decode_event = msgspec.json.Decoder(Event).decode


class Books:
    """The records of one site, for one answer."""

    def __init__(self, store: Store, site: Site, runs: Iterable[RunRow] = ()) -> None:
        """`runs` are known already."""
        self.store, self.site = store, site
        self._runs: dict[str, RunRow | None] = {run.id: run for run in runs}
        self._outlines: dict[tuple[str, int], Outline] = {}
        self._versions: dict[str, int] = {}

    async def run(self, id: str) -> RunRow | None:
        """A run; None if it is not kept any more, or another site's."""
        if id not in self._runs and len(self._runs) < MOST_LOOKED_UP:
            try:
                row = await self.store.run(id)
            except NotFound:
                self._runs[id] = None
            else:
                self._runs[id] = row if row.site == self.site.id else None
        return self._runs.get(id)

    def version(self, run: RunRow, history: History) -> int | None:
        """In which version a run went on after an input; None if neither that nor what was told before it says so.

        It has always been in the same one if it was never retried or moved.
        """
        if _decode_stay(run.state).visit == 1:
            return run.version
        said = [verdict.version for verdict in history.verdicts if verdict.run == run.id and verdict.verdict in _IN_ITS_VERSION]
        lines = [line for id, reasons in history.runs if id == run.id for line in reasons]
        said += [line.detail["version"] for line in lines if line.what in _MOVES]
        if said:
            self._versions[run.id] = said[-1]
        return self._versions.get(run.id)

    async def outline(self, workflow: str, version: int) -> Outline:
        """What starts a version of a workflow, and whether it pushes."""
        key = (workflow, version)
        if key not in self._outlines and len(self._outlines) < MOST_LOOKED_UP:
            try:
                found = await self.store.workflow_version(self.site.id, workflow, version)
            except NotFound:
                self._outlines[key] = UNREADABLE
            else:
                self._outlines[key] = outline(bytes(found.document))
        return self._outlines.get(key, UNREADABLE)

    async def pages(self, keys: Sequence[str], before: tuple[int, int] | None) -> AsyncIterator[list[tuple[Explanation, History]]]:
        """Explanations about profiles, newest first by (at, sequence), in pages, as long as there are any and somebody asks."""
        while page := await self.store.explanations_about(self.site.id, keys, before, PAGE):
            found = []
            for one in page:
                found.append((one, read_history(one)))
                await asyncio.sleep(0)  # a large one takes a while, and events wait
            yield found
            before = page[-1].at, page[-1].sequence

    # -- in words ----------------------------------------------------------------------------------------------------

    async def verdict(self, verdict: Verdict, at: int) -> ToldVerdict:
        """A verdict with what it does not hold itself."""
        rival = await self.run(verdict.run) if verdict.verdict == "already_running" and verdict.run else None
        asked = UNREADABLE if verdict.verdict != "not_again" else await self.outline(verdict.workflow, verdict.version)
        since, ended = (None, None) if rival is None else (rival.started, rival.ended)
        return tell_verdict(verdict, at, asked.known(since, ended))

    async def input(self, explanation: Explanation, history: History, row: LogRow | None, workflow: str | None = None) -> ToldInput:
        """What one input did; with `workflow` only what concerns that. To be asked for in the order in which things happened."""
        kind = _kind(explanation, history)
        verdicts = [await self.verdict(one, explanation.at) for one in history.verdicts if workflow in (None, one.workflow)]
        runs = [await self._told_run(id, reasons, history) for id, reasons in history.runs]
        return ToldInput(
            explanation.at,
            kind,
            explanation.event,
            history.name,
            None if row is None else tell_event(row),
            tuple(verdicts),
            tuple(run for run in runs if workflow in (None, run.workflow)),
        )

    async def _told_run(self, id: str, reasons: Iterable[Reason], history: History) -> ToldRun:
        row = await self.run(id)
        told = tuple(map(tell_reason, reasons))
        return ToldRun(id, None, None, told) if row is None else ToldRun(id, row.workflow, self.version(row, history), told)


def joined(found: Iterable[tuple[Explanation, History]]) -> list[tuple[Explanation, History]]:
    """Explanations in their order; those that tell of one input, one after the other, as one."""
    made: list[tuple[Explanation, History]] = []
    last: History | None = None
    for one, history in found:
        if last is not None and _same_input(made[-1][0], one) and last.goes_on_in(history):
            made[-1] = made[-1][0], made[-1][1].with_rest(history)
        else:
            made.append((one, history))
        last = history
    return made


def _same_input(one: Explanation, other: Explanation) -> bool:
    return (one.profile, one.event, one.at) == (other.profile, other.event, other.at)


def read_history(explanation: Explanation) -> History:
    """The body of an explanation; an empty one if this version of Clarion cannot read it."""
    try:
        return _decode_history(explanation.body)
    except msgspec.MsgspecError:
        return History("an input that cannot be read")


def tell_event(row: LogRow) -> ToldEvent | None:
    """An event of the log as it was accepted; None if it cannot be read."""
    try:
        event = _decode_event(row.body)
        data = msgspec.json.decode(event.data)
    except msgspec.MsgspecError:
        return None
    return ToldEvent(
        row.id,
        event.name,
        event.profile_id,
        event.device_token_hash,
        data if isinstance(data, dict) else {},
        event.timestamp,
        row.received,
        row.log_time,
        event.cause,
        event.hops,
    )


def started_workflow(row: LogRow) -> str | None:
    """The workflow that a `start_workflow` step made an event for."""
    try:
        return _decode_event(row.body).workflow
    except msgspec.MsgspecError:
        return None


def event_name(row: LogRow) -> str:
    """An event's name; empty if it cannot be read."""
    try:
        return _decode_event(row.body).name
    except msgspec.MsgspecError:
        return ""


def _kind(explanation: Explanation, history: History) -> str:
    """What came in. An event from outside may have any name, such as `timer`.

    A verdict on anything but an event is about a run that it did not take up again; what is filed under a run has to be about that run.
    """
    if history.name not in _OTHERS or history.unknown_subscriber:
        return EVENT
    if any(verdict.verdict != ARCHIVED or verdict.run is None for verdict in history.verdicts):
        return EVENT
    if history.name in _OF_RUNS and explanation.event not in (id for id, _ in history.runs):
        return EVENT
    return history.name
