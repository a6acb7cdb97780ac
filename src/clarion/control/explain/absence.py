"""Why a person did not get a workflow's message: what is recorded, read for a conclusion."""

from collections.abc import Sequence
from typing import Final

import msgspec

from clarion.control.explain.answers import AbsenceAnswer
from clarion.control.explain.books import Books
from clarion.control.explain.people import Joining, Known, Whom, find_person
from clarion.control.explain.runs import run_facts
from clarion.control.explain.timeline import MOST_EVENTS, Happening, happenings, listens, told
from clarion.control.explain.unapplied import Inbox, Names, Pending, read_inbox, read_pending
from clarion.control.workflows import known_workflow
from clarion.domain.ids import broadcast_workflow, is_broadcast, partition_of_profile
from clarion.store.port import NotFound, Store
from clarion.store.records.runs import RunRow
from clarion.store.records.sites import Site
from clarion.workflow.explain.conclusion import Conclusion, Heard, Refusal, Subject, behind, conclude, of_broadcast, unknown_person
from clarion.workflow.explain.outline import outline
from clarion.workflow.explain.runs import RunFacts

MOST_ITEMS: Final = 50
"""Inputs that concern the workflow, beside the conclusion."""

MERGED: Final = "merged"
_EVER: Final = 2**62
"""After every time."""


async def explain_absence(store: Store, site: Site, whom: Whom, workflow: str) -> AbsenceAnswer:
    """The exact answer to why a person did not get a workflow's message, also when no run ever started. Raises NotFound, Joining."""
    subject = await _subject(store, site, workflow)
    inbox = await read_inbox(store, site)
    try:
        person = await find_person(store, site, whom)
    except Joining:
        raise  # what is to be told is on its way
    except NotFound:
        pending = await read_pending(store, site, Names.asked(whom), subject, inbox)
        return _answer(whom, whom.profile_id, subject, _of_nobody(whom, subject, pending), inbox)
    books = Books(store, site, person.runs)
    asked = await books.outline(workflow, subject.version)
    heard, searched_all = await _heard(books, person, subject)
    happened, _ = await happenings(books, person, workflow, asked, MOST_ITEMS, None)
    run = await _last_run(books, person, happened, workflow)
    forgotten = await _forgotten_start(books, happened, workflow)
    if forgotten is not None and run is not None and run.started >= forgotten.at:
        forgotten = None
    if forgotten is not None and (heard is None or forgotten.at > heard.at):
        heard = forgotten
    refusal = await _refusal(books, happened, workflow, run, 0 if forgotten is None else forgotten.at)
    pending = await read_pending(store, site, Names.known(person), subject, inbox, _applied(happened, person, _lives(books, person)))
    searched_all = searched_all and pending.searched_all
    conclusion = conclude(subject, run, refusal, heard, pending.last, searched_all=searched_all)
    if conclusion.answer == "no_event" and is_broadcast(workflow):
        conclusion = of_broadcast(subject, person.views[0].profile.created, await _asked(store, site, person, workflow))
    items = await told(books, person, happened, workflow, min((one.place for one in happened), default=None), None)
    answer = _answer(whom, person.profile_id, subject, conclusion, inbox)
    return msgspec.structs.replace(answer, items=items)


async def _asked(store: Store, site: Site, person: Known, workflow: str) -> int | None:
    """When a broadcast was asked for that has not come to a profile yet; None where it has, or is over."""
    profile = person.views[0].profile
    for sweep in await store.sweeps(partition_of_profile(site.id, person.key, store.partitions)):
        is_it = sweep.site == site.id and broadcast_workflow(sweep.id.removeprefix("broadcast:")) == workflow
        if is_it and profile.key > sweep.cursor and sweep.entry not in profile.offered:
            return sweep.at
    return None


def _of_nobody(whom: Whom, subject: Subject, pending: Pending) -> Conclusion:
    if whom.profile_id is not None and pending.last is None and pending.some:  # for other workflows
        return conclude(subject, searched_all=pending.searched_all)
    return unknown_person(subject, pending.last, subscriber=whom.profile_id is None)


def _applied(happened: Sequence[Happening], person: Known, lives: int) -> set[str]:
    """Ids of events that were applied. What stands unexplained in the log of a subscriber's home only was passed on, and may wait."""
    explained = {one.explanation.event for one in happened if one.explanation is not None}
    rows = [one.row for one in happened if one.explanation is None and one.row is not None]
    return explained | {row.id for row in rows if row.profile != person.key or row.partition == lives}


def _answer(whom: Whom, profile_id: str | None, subject: Subject, conclusion: Conclusion, inbox: Inbox) -> AbsenceAnswer:
    if not inbox.whole:
        conclusion = behind(conclusion)
    return AbsenceAnswer(
        profile_id, whom.device_token_hash, subject.workflow, subject.status, subject.version, subject.events, conclusion, ()
    )


async def _subject(store: Store, site: Site, workflow: str) -> Subject:
    row = await known_workflow(store, site, workflow)
    if row is None:
        return Subject(workflow, None)
    try:
        current = await store.workflow_version(site.id, workflow, row.version)
    except NotFound:  # a draft that was never published
        return Subject(workflow, row.status, row.version, row.changed)
    return Subject(workflow, row.status, row.version, row.changed, current.created, outline(bytes(current.document)).events)


async def _heard(books: Books, person: Known, subject: Subject) -> tuple[Heard | None, bool]:
    """The last event that the workflow listens for, and whether all events were looked at."""
    rows = await books.store.events_about(books.site.id, person.keys, MOST_EVENTS)
    for row in rows:
        if listens(row, subject.workflow, subject.events):
            told_event = Happening(row.log_time or 0, row)
            return Heard(told_event.at, row.id, (await told_event.told(books, None)).name), True
    return None, len(rows) < MOST_EVENTS and await _is_whole(books, person)


async def _is_whole(books: Books, person: Known) -> bool:
    """Whether the log in which the person's events stand has its beginning still."""
    oldest = await books.store.log_page(_lives(books, person), 0, _EVER, 1)
    return bool(oldest) and oldest[0].sequence == 1


def _lives(books: Books, person: Known) -> int:
    """The profile's partition."""
    return partition_of_profile(books.site.id, person.key, books.store.partitions)


async def _forgotten_start(books: Books, happened: Sequence[Happening], workflow: str) -> Heard | None:
    """The last event that started a run which is not kept any more."""
    for one in reversed(happened):
        if one.explanation is None or one.history is None:
            continue
        for verdict in one.history.verdicts:
            if verdict.workflow == workflow and verdict.verdict == "started" and await books.run(verdict.run or "") is None:
                return Heard(one.at, one.explanation.event, one.history.name)
    return None


async def _refusal(books: Books, happened: Sequence[Happening], workflow: str, run: RunFacts | None, since: int) -> Refusal | None:
    """The last verdict that says why the workflow was not started, after the last run's start: many inputs can be of one instant."""
    for one in reversed(happened):
        if one.explanation is None or one.history is None or one.at < max(since, 0 if run is None else run.started):
            continue
        for verdict in one.history.verdicts:
            if verdict.workflow != workflow:
                continue
            if run is not None and verdict.verdict == "started" and verdict.run == run.id:
                return None
            said = await books.verdict(verdict, one.at)
            if said.refuses:
                return Refusal(one.at, one.explanation.event, one.history.name, said)
    return None


async def _last_run(books: Books, person: Known, happened: Sequence[Happening], workflow: str) -> RunFacts | None:
    """The run that was started last; not one that only made room for the same run of another of the person's profiles."""
    runs: dict[str, RunRow] = {run.id: run for run in person.runs if run.workflow == workflow}
    for one in happened:
        for verdict in () if one.history is None else one.history.verdicts:
            if verdict.workflow == workflow and verdict.run is not None:
                row = await books.run(verdict.run)
                if row is not None:
                    runs[row.id] = row
    found = sorted(runs.values(), key=lambda run: (run.reason != MERGED, run.started, run.id))
    return None if not found else (await run_facts(books, found[-1]))[0]
