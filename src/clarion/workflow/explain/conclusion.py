"""Why somebody did not get a workflow's message, or that they did: one answer from what is recorded."""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from clarion.workflow.explain import words
from clarion.workflow.explain.reasons import ToldReason
from clarion.workflow.explain.runs import SENT, UNDER_WAY, RunFacts, Sending
from clarion.workflow.explain.verdicts import ToldVerdict
from clarion.workflow.run import WAITING
from clarion.workflow.start import ACTIVE, ARCHIVED

MOST_REASONS: Final = 20

_BEHIND_A_RUN: Final = ("already_running", "too_many_runs")
"""Refusals that are about runs: what the run does is the answer."""
_TELLING: Final = frozenset(
    {"capped", "no_subscriber", "stale", "quiet_hours", "decided", "split", "timed_out", "exited", "failed", "result"}
)
"""Lines of a run's history that can say why it sent nothing."""


class Subject(msgspec.Struct, frozen=True):
    """The workflow that is asked about, as it is now."""

    workflow: str
    status: str | None
    """draft, active, draining, paused, archived; None: there is no such workflow."""
    version: int = 0
    changed: int = 0
    """When its status or version changed last."""
    published: int = 0
    """When its current version was published."""
    events: tuple[str, ...] = ()
    """Names of the events that the current version listens for."""


class Refusal(msgspec.Struct, frozen=True):
    """The last event that did not start the workflow."""

    at: int
    event_id: str
    event_name: str
    verdict: ToldVerdict


class Heard(msgspec.Struct, frozen=True):
    """The last event of a name that the workflow listens for."""

    at: int
    event_id: str
    event_name: str


class Unapplied(msgspec.Struct, frozen=True):
    """The last event of a name that the workflow listens for that was accepted, and not applied."""

    at: int
    """When it was accepted, or set aside."""
    event_id: str
    event_name: str
    error: str | None = None
    """Why it was set aside; None: it waits for the engine, and came after all that was applied."""


class Conclusion(msgspec.Struct, frozen=True):
    """The answer."""

    answer: str
    """What it comes to.

    sent, on_its_way, not_delivered, waiting, ended: of the last run, that is of its pushes, or of its requests if its version has no
    push; refused: the last event did not start it; set_aside: it could not be applied; accepted: it waits for the engine; no_event,
    published_later, archived, not_recorded: no event could; of a broadcast not_yet, came_later, no_run; draft, unknown_workflow,
    unknown_profile, unknown_subscriber.
    """
    sentence: str
    because: tuple[str, ...] = ()
    """What led to it, oldest first, and what else matters."""
    event_id: str | None = None
    """The event that the answer is about."""
    run_id: str | None = None
    """The run that the answer is about."""
    verdict: ToldVerdict | None = None
    """What that event meant to the workflow, where it was refused, with the rows and the values they saw."""


def conclude(
    subject: Subject,
    run: RunFacts | None = None,
    refusal: Refusal | None = None,
    heard: Heard | None = None,
    unapplied: Unapplied | None = None,
    *,
    searched_all: bool = True,
) -> Conclusion:
    """The answer, from the person's last run, the last refusal after its start, and the last event of a name that the workflow listens for.

    An event that was not applied is the answer if it came after those; beside one of its time it is told of. `searched_all` is False where
    there was more in the log than was looked at.
    """
    if subject.status is None:
        return Conclusion("unknown_workflow", f"there is no workflow {words.name(subject.workflow)}")
    if unapplied is None:
        return _of_applied(subject, run, refusal, heard, searched_all=searched_all)
    last = max(0 if run is None else run.started, 0 if refusal is None else refusal.at, 0 if heard is None else heard.at)
    if unapplied.error is None or unapplied.at > last:
        return _not_applied(subject, unapplied, run)
    found = _of_applied(subject, run, refusal, heard, searched_all=searched_all)
    if unapplied.at < last:
        return found
    return msgspec.structs.replace(found, because=(*found.because, f"event {_unapplied_words(unapplied)}"))


def _of_applied(subject: Subject, run: RunFacts | None, refusal: Refusal | None, heard: Heard | None, *, searched_all: bool) -> Conclusion:
    if heard is not None and (run is None or heard.at > run.started) and (refusal is None or heard.at > refusal.at):
        return _unheard(subject, heard)
    if refusal is not None and (run is None or (refusal.at >= run.started and refusal.verdict.verdict not in _BEHIND_A_RUN)):
        return _refused(subject, refusal, run)
    if run is not None:
        return _of_run(subject, run, refusal)
    if subject.status == "draft":
        return Conclusion("draft", "the workflow is a draft: it was never published")
    where = "" if searched_all else " lately"
    return Conclusion(
        "no_event", f"no event that it listens for has come for this profile{where}: {words.names(subject.events)}", _now(subject)
    )


def unknown_person(subject: Subject, unapplied: Unapplied | None = None, *, subscriber: bool) -> Conclusion:
    """The answer about somebody who is not known here."""
    if subject.status in (None, "draft"):
        return conclude(subject)
    if subscriber:
        said = "no such subscriber is registered: events that name it are recorded and start nothing (unknown_subscriber)"
        came = () if unapplied is None else (f"event {_unapplied_words(unapplied)}",)
        return Conclusion("unknown_subscriber", said, (*came, *_now(subject)))
    if unapplied is not None:
        return conclude(subject, unapplied=unapplied)
    said = f"nothing has ever come for this profile; the workflow listens for {words.names(subject.events) or 'nothing yet'}"
    return Conclusion("unknown_profile", said, _now(subject))


def of_broadcast(subject: Subject, created: int, asked: int | None) -> Conclusion:
    """The answer about a broadcast of which a person has no run.

    `created` is when the profile was made; `asked` the log time of the broadcast, where the profile has not had its turn yet. Who is not in
    the audience is not recorded, so that is not told apart from a run that is not kept any more.
    """
    if asked is not None and created <= asked:
        return Conclusion("not_yet", "the broadcast has not come to this profile yet", _now(subject))
    began = subject.published if asked is None else asked
    if created > began:
        said = f"the profile was made at {words.instant(created)}, and the broadcast is for those who were there at {words.instant(began)}"
        return Conclusion("came_later", said, _now(subject))
    said = "no run of it is kept: the profile was not in its audience when the broadcast came to it, or the run is not kept any more"
    return Conclusion("no_run", said, _now(subject))


def behind(conclusion: Conclusion) -> Conclusion:
    """An answer for which not every event that waits for the engine was looked at."""
    said = "more events wait for the engine than were looked at, and this person's may be among them"
    return msgspec.structs.replace(conclusion, because=(*conclusion.because, said))


def _not_applied(subject: Subject, unapplied: Unapplied, run: RunFacts | None) -> Conclusion:
    because = _before(run)
    if unapplied.at < subject.published:
        because += (f"version {subject.version} was published later, at {words.instant(subject.published)}",)
    answer = "accepted" if unapplied.error is None else "set_aside"
    said = f"the last event that it listens for, {_unapplied_words(unapplied)}"
    return Conclusion(answer, said, (*because, *_now(subject)), unapplied.event_id)


def _unapplied_words(unapplied: Unapplied) -> str:
    which = f"{words.name(unapplied.event_name)} ({words.name(unapplied.event_id)})"
    at = words.instant(unapplied.at)
    if unapplied.error is None:
        return f"{which} was accepted at {at} and waits for the engine to take it"
    return f"{which} could not be applied at {at} and was set aside: {words.name(unapplied.error)}"


def _before(run: RunFacts | None) -> tuple[str, ...]:
    """The run before what is answered."""
    return () if run is None else (f"run {words.name(run.id)}, started at {words.instant(run.started)}, {run.sentence}",)


def _unheard(subject: Subject, heard: Heard) -> Conclusion:
    """The last event came, and there is no verdict on it."""
    came = f"the last event that it listens for, {words.name(heard.event_name)}, came at {words.instant(heard.at)}"
    if subject.status == ARCHIVED and heard.at >= subject.changed:
        return Conclusion("archived", f"{came}, when it was archived (at {words.instant(subject.changed)})", (), heard.event_id)
    if heard.at < subject.published:
        said = f"{came}, before version {subject.version} was published (at {words.instant(subject.published)})"
        return Conclusion("published_later", said, _now(subject), heard.event_id)
    said = f"{came}; what it meant to it is not recorded, or not any more"
    return Conclusion("not_recorded", said, _now(subject), heard.event_id)


def _refused(subject: Subject, refusal: Refusal, run: RunFacts | None) -> Conclusion:
    return Conclusion(
        "refused",
        _refusal_words(refusal),
        (*_before(run), *_now(subject)),
        refusal.event_id,
        None,
        refusal.verdict,
    )


def _refusal_words(refusal: Refusal) -> str:
    why = refusal.verdict.sentence.removeprefix("not started: ")
    return f"the last event that it listens for, {words.name(refusal.event_name)} at {words.instant(refusal.at)}, did not start it: {why}"


def _of_run(subject: Subject, run: RunFacts, refusal: Refusal | None) -> Conclusion:
    answer, said = _outcome(run)
    because = [
        f"{words.instant(line.at)}, step {words.name(line.step or '-')}: {line.sentence}{_problem(line, run.sendings)}"
        for line in run.history
        if line.what in _TELLING
    ]
    if refusal is not None:
        because.append(_refusal_words(refusal))
    verdict = None if refusal is None else refusal.verdict
    return Conclusion(answer, said, (*because[-MOST_REASONS:], *_now(subject)), None, run.id, verdict)


def _problem(line: ToldReason, sendings: Iterable[Sending]) -> str:
    """What was wrong with the request whose outcome came, where the line does not say it."""
    if line.what != "result":
        return ""
    problem = next((one.problem for one in sendings if one.kind == "http" and one.step == line.step and one.at <= line.at), None)
    return "" if problem in (None, f"status {line.detail.get('status')}") else f" ({words.name(problem)})"


def _outcome(run: RunFacts) -> tuple[str, str]:
    which = f"run {words.name(run.id)}, started at {words.instant(run.started)},"
    # What a run tells other systems is no message to the person where it pushes, also where a push was not made.
    pushes = [one for one in run.sendings if one.kind == "push"]
    messages = pushes if pushes or run.has_push else run.sendings
    sent = _newest(messages, (SENT,))
    if sent is not None:
        what = "a message" if sent.kind == "push" else "a request"
        return "sent", f"{what} was sent at {words.instant(sent.at)} (step {words.name(sent.step)}); {which} {run.sentence}"
    under_way = _newest(messages, UNDER_WAY)
    if under_way is not None:
        held = under_way.status == "held"
        problem = "" if under_way.problem is None else f"; the last attempt: {words.name(under_way.problem)}"
        since = f"since {words.instant(under_way.at)} (step {words.name(under_way.step)})"
        said = f"{under_way.thing} has been {'held' if held else 'on its way'} {since}{', for the workflow is paused' if held else problem}"
        return "on_its_way", f"{said}; {which} {run.sentence}"
    if messages:
        lost = messages[0]
        problem = "" if lost.problem is None else f" ({words.name(lost.problem)})"
        how = f"{words.name(lost.status)} at {words.instant(lost.at)}{problem}"
        said = f"{lost.thing} of step {words.name(lost.step)} was not delivered: {how}"
        return "not_delivered", f"{said}; {which} {run.sentence}"
    return "waiting" if run.status == WAITING else "ended", f"{which} {run.sentence}"


def _newest(sendings: Iterable[Sending], statuses: Sequence[str]) -> Sending | None:
    return next((one for one in sendings if one.status in statuses), None)


def _now(subject: Subject) -> tuple[str, ...]:
    if subject.status == ACTIVE:
        return ()
    return (f"the workflow is {words.name(subject.status)} now, since {words.instant(subject.changed)}",)
