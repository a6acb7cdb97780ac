"""The one answer to why somebody did not get a workflow's message."""

import msgspec
import pytest

from clarion.domain.verdicts import RowVerdict
from clarion.workflow.explain.conclusion import Conclusion, Heard, Refusal, Subject, Unapplied, behind, conclude, unknown_person
from clarion.workflow.explain.reasons import tell_reason
from clarion.workflow.explain.runs import RunFacts, Sending
from clarion.workflow.explain.verdicts import tell_verdict
from clarion.workflow.run import Reason
from clarion.workflow.start import Verdict

NOON = 1_777_636_800_000_000
"""2026-05-01T12:00:00Z."""
HOUR = 3_600_000_000
CART = Subject("cart", "active", 2, NOON, NOON, ("add_to_cart",))
LOW = RowVerdict(("start", "on", 0, "where"), "event.price", "gte", 20, 12.5, ok=False)


def run(status: str = "waiting", *history: Reason, sent: tuple[Sending, ...] = (), **more: object) -> RunFacts:
    ended = None if status == "waiting" else NOON + HOUR
    facts = RunFacts("r1", 2, status, "hour", NOON, NOON + HOUR, False, NOON, ended, None, sent, tuple(map(tell_reason, history)))
    return msgspec.structs.replace(facts, **more)


def refusal(at: int, kind: str = "where", rows: tuple[RowVerdict, ...] = (LOW,)) -> Refusal:
    return Refusal(at, "e1", "add_to_cart", tell_verdict(Verdict("cart", 2, kind, None, rows), at))


def test_nothing_of_that_name_has_come() -> None:
    found = conclude(CART)
    assert (found.answer, found.sentence) == ("no_event", "no event that it listens for has come for this profile: add_to_cart")
    assert conclude(CART, searched_all=False).sentence == "no event that it listens for has come for this profile lately: add_to_cart"
    paused = msgspec.structs.replace(CART, status="paused")
    assert conclude(paused).because == ("the workflow is paused now, since 2026-05-01T12:00:00.000Z",)


def test_the_workflow_does_not_exist_or_is_a_draft() -> None:
    assert conclude(Subject("nope", None)) == Conclusion("unknown_workflow", "there is no workflow nope")
    assert conclude(Subject("cart", "draft")) == Conclusion("draft", "the workflow is a draft: it was never published")


def test_of_a_workflow_that_does_not_exist_nothing_is_known() -> None:
    nope = Subject("nope", None)
    assert (nope.version, nope.changed, nope.published, nope.events) == (0, 0, 0, ())


def test_the_person_is_not_known() -> None:
    paused = msgspec.structs.replace(CART, status="paused")
    since = "the workflow is paused now, since 2026-05-01T12:00:00.000Z"
    said = "no such subscriber is registered: events that name it are recorded and start nothing (unknown_subscriber)"
    assert unknown_person(CART, subscriber=True) == Conclusion("unknown_subscriber", said)
    assert unknown_person(paused, subscriber=True) == Conclusion("unknown_subscriber", said, (since,))
    said = "nothing has ever come for this profile; the workflow listens for add_to_cart"
    assert unknown_person(CART, subscriber=False) == Conclusion("unknown_profile", said)
    assert unknown_person(paused, subscriber=False) == Conclusion("unknown_profile", said, (since,))
    deaf = msgspec.structs.replace(CART, events=())
    assert unknown_person(deaf, subscriber=False).sentence.endswith("; the workflow listens for nothing yet")
    for subscriber in (True, False):
        assert unknown_person(Subject("nope", None), subscriber=subscriber).answer == "unknown_workflow"
        assert unknown_person(Subject("cart", "draft"), subscriber=subscriber).answer == "draft"


def test_the_last_event_was_refused() -> None:
    found = conclude(CART, None, refusal(NOON), Heard(NOON, "e1", "add_to_cart"))
    assert conclude(CART, None, refusal(NOON)) == found
    assert found.because == ()
    assert (found.answer, found.event_id, found.run_id) == ("refused", "e1", None)
    assert found.sentence == (
        "the last event that it listens for, add_to_cart at 2026-05-01T12:00:00.000Z, did not start it: "
        "start.on[0].where: event.price gte 20 — saw 12.5"
    )
    assert found.verdict is not None
    assert [(row.path, row.saw) for row in found.verdict.rows] == [("start.on[0].where", 12.5)]


@pytest.mark.parametrize(
    ("status", "at", "answer", "said"),
    [
        ("active", NOON - 1000, "published_later", "11:59:59.999Z, before version 3 was published (at 2026-05-01T12:00:00.000Z)"),
        ("active", NOON, "not_recorded", "12:00:00.000Z; what it meant to it is not recorded, or not any more"),
        ("archived", NOON, "not_recorded", "12:00:00.000Z; what it meant to it is not recorded, or not any more"),
        ("archived", NOON + HOUR, "archived", "13:00:00.000Z, when it was archived (at 2026-05-01T13:00:00.000Z)"),
        ("paused", NOON + HOUR, "not_recorded", "13:00:00.000Z; what it meant to it is not recorded, or not any more"),
    ],
)
def test_an_event_without_a_verdict(status: str, at: int, answer: str, said: str) -> None:
    found = conclude(Subject("cart", status, 3, NOON + HOUR, NOON, ("add_to_cart",)), None, None, Heard(at, "e2", "add_to_cart"))
    now = () if status == "active" or answer == "archived" else (f"the workflow is {status} now, since 2026-05-01T13:00:00.000Z",)
    sentence = f"the last event that it listens for, add_to_cart, came at 2026-05-01T{said}"
    assert found == Conclusion(answer, sentence, now, "e2")


@pytest.mark.parametrize(
    ("started", "refused", "heard", "answer"),
    [
        (NOON, None, NOON, "waiting"),
        (NOON, None, NOON + 1, "not_recorded"),
        (None, NOON, NOON, "refused"),
        (None, NOON, NOON + 1, "not_recorded"),
        (NOON, NOON + 2, NOON + 1, "refused"),
        (NOON + 2, NOON, NOON + 1, "waiting"),
        (NOON + 1, NOON, None, "waiting"),
        (NOON, NOON, None, "refused"),
    ],
)
def test_what_is_newer_is_the_answer(started: int | None, refused: int | None, heard: int | None, answer: str) -> None:
    found = conclude(
        CART,
        None if started is None else run(started=started),
        None if refused is None else refusal(refused),
        None if heard is None else Heard(heard, "e2", "add_to_cart"),
    )
    assert found.answer == answer


ASIDE = Unapplied(NOON, "e3", "add_to_cart", "KeyError: 'x'")
WAITS = Unapplied(NOON - HOUR, "e3", "add_to_cart")
ASIDE_SAID = "add_to_cart (e3) could not be applied at 2026-05-01T12:00:00.000Z and was set aside: KeyError: 'x'"
WAITS_SAID = "add_to_cart (e3) was accepted at 2026-05-01T11:00:00.000Z and waits for the engine to take it"


def test_the_last_event_was_set_aside() -> None:
    assert conclude(CART, None, None, None, ASIDE) == Conclusion("set_aside", f"the last event that it listens for, {ASIDE_SAID}", (), "e3")
    paused = msgspec.structs.replace(CART, status="paused", published=NOON + HOUR)
    assert conclude(paused, run("completed", started=NOON - 1), None, None, ASIDE).because == (
        "run r1, started at 2026-05-01T11:59:59.999Z, came to its end at 2026-05-01T13:00:00.000Z",
        "version 2 was published later, at 2026-05-01T13:00:00.000Z",
        "the workflow is paused now, since 2026-05-01T12:00:00.000Z",
    )


@pytest.mark.parametrize(
    ("started", "refused", "heard", "answer", "told"),
    [
        (NOON - 1, NOON - 1, NOON - 1, "set_aside", False),
        (NOON, None, None, "waiting", True),
        (None, NOON, None, "refused", True),
        (None, None, NOON, "not_recorded", True),
        (NOON + 1, None, None, "waiting", False),
        (None, NOON + 1, None, "refused", False),
        (None, None, NOON + 1, "not_recorded", False),
    ],
)
def test_an_event_that_was_set_aside_is_the_answer_until_another_comes(
    started: int | None, refused: int | None, heard: int | None, answer: str, told: bool
) -> None:
    before = (
        None if started is None else run(started=started),
        None if refused is None else refusal(refused),
        None if heard is None else Heard(heard, "e2", "add_to_cart"),
    )
    found = conclude(CART, *before, ASIDE)
    assert found.answer == answer
    assert (f"event {ASIDE_SAID}" in found.because) == told
    assert answer == "set_aside" or not told or found.because[:-1] == conclude(CART, *before).because
    assert conclude(CART, *before, WAITS).answer == "accepted"


def test_an_event_that_waits_for_the_engine_came_last() -> None:
    early = msgspec.structs.replace(CART, published=0)
    waiting = conclude(early, None, None, None, WAITS)
    assert waiting == Conclusion("accepted", f"the last event that it listens for, {WAITS_SAID}", (), "e3")
    assert conclude(early, None, None, None, WAITS, searched_all=False) == waiting
    more = "more events wait for the engine than were looked at, and this person's may be among them"
    assert behind(conclude(CART)) == msgspec.structs.replace(conclude(CART), because=(more,))


def test_what_was_not_applied_of_somebody_who_is_not_known() -> None:
    for unapplied in (ASIDE, WAITS):
        assert unknown_person(CART, unapplied, subscriber=False) == conclude(CART, unapplied=unapplied)
    nobody = unknown_person(CART, subscriber=True)
    for unapplied, said in ((ASIDE, ASIDE_SAID), (WAITS, WAITS_SAID)):
        assert unknown_person(CART, unapplied, subscriber=True) == msgspec.structs.replace(nobody, because=(f"event {said}",))


def test_what_came_last_is_the_answer() -> None:
    later = refusal(NOON + HOUR)
    assert conclude(CART, run("completed"), later).answer == "refused"
    assert "run r1, started at 2026-05-01T12:00:00.000Z, came to its end" in conclude(CART, run("completed"), later).because[0]
    assert conclude(CART, run("completed"), refusal(NOON)).answer == "refused"
    assert conclude(CART, run("completed")).answer == "ended"


@pytest.mark.parametrize(
    ("kind", "why"),
    [("already_running", "run ? has been under way"), ("too_many_runs", "the profile had null runs under way, the most that it can have")],
)
def test_what_stood_behind_a_run_is_answered_by_that_run(kind: str, why: str) -> None:
    said = f"the last event that it listens for, add_to_cart at 2026-05-01T13:00:00.000Z, did not start it: {why}"
    refused = refusal(NOON + HOUR, kind, ())
    behind = conclude(CART, run(), refused)
    assert (behind.answer, behind.because, behind.event_id, behind.run_id) == ("waiting", (said,), None, "r1")
    assert behind.verdict == refused.verdict
    alone = conclude(CART, None, refused)
    assert (alone.answer, alone.sentence, alone.event_id, alone.run_id) == ("refused", said, "e1", None)


def test_a_run_that_waits() -> None:
    waits = Reason(NOON, "waiting", "hour", {"until": NOON + HOUR})
    stands = "run r1, started at 2026-05-01T12:00:00.000Z, has stood at step hour since 2026-05-01T12:00:00.000Z"
    assert conclude(CART, run("waiting", waits)).sentence == f"{stands}: waits until 2026-05-01T13:00:00.000Z"
    assert conclude(CART, run()).sentence == f"{stands}, until 2026-05-01T13:00:00.000Z"
    assert conclude(CART, run(due=None)).sentence == stands
    assert conclude(CART, run(held=True)).sentence.endswith("; its timer is due, but the workflow is paused")


@pytest.mark.parametrize(
    ("sendings", "answer", "sentence"),
    [
        (
            (("http", "sent"), ("push", "gone")),
            "not_delivered",
            "a push of step s1 was not delivered: gone at 2026-05-01T12:00:00.000Z (no)",
        ),
        ((("http", "sent"), ("push", "pending")), "on_its_way", "a push has been on its way since 2026-05-01T12:00:00.000Z (step s1)"),
        ((("push", "gone"), ("push", "pending")), "on_its_way", "a push has been on its way since 2026-05-01T12:00:00.000Z (step s1)"),
        ((("push", "pending"), ("push", "sent")), "sent", "a message was sent at 2026-05-01T12:00:00.000Z (step s1)"),
        (
            (("http", "held"),),
            "on_its_way",
            "a request has been held since 2026-05-01T12:00:00.000Z (step s0), for the workflow is paused;",
        ),
        ((("push", "stale"), ("push", "gone")), "not_delivered", "a push of step s0 was not delivered: stale at 2026-05-01T12:00:00.000Z"),
        ((("http", "failed"),), "not_delivered", "a request of step s0 was not delivered: failed at 2026-05-01T12:00:00.000Z (no)"),
        ((("push", "sent"), ("push", "failed")), "sent", "a message was sent at 2026-05-01T12:00:00.000Z (step s0)"),
        ((("push", "failed"), ("push", "sent")), "sent", "a message was sent at 2026-05-01T12:00:00.000Z (step s1)"),
        ((("http", "sent"), ("push", "sent")), "sent", "a message was sent at 2026-05-01T12:00:00.000Z (step s1)"),
        ((("http", "sent"),), "sent", "a request was sent at 2026-05-01T12:00:00.000Z (step s0)"),
        ((("push", "pending"),), "on_its_way", "a push has been on its way since 2026-05-01T12:00:00.000Z (step s0); the last attempt: no"),
        ((("push", "held"),), "on_its_way", "a push has been held since 2026-05-01T12:00:00.000Z (step s0), for the workflow is paused"),
        ((("push", "gone"),), "not_delivered", "a push of step s0 was not delivered: gone at 2026-05-01T12:00:00.000Z (no)"),
    ],
)
def test_what_a_run_sent(sendings: tuple[tuple[str, str], ...], answer: str, sentence: str) -> None:
    sent = tuple(Sending(kind, f"s{number}", status, NOON, "no") for number, (kind, status) in enumerate(sendings))
    found = conclude(CART, run("completed", sent=sent))
    assert (found.answer, found.sentence.startswith(sentence)) == (answer, True), found.sentence
    assert found.sentence.endswith("run r1, started at 2026-05-01T12:00:00.000Z, came to its end at 2026-05-01T13:00:00.000Z")


@pytest.mark.parametrize(("has_push", "answer"), [(True, "ended"), (False, "sent")])
def test_a_request_is_no_message_where_a_push_was_not_made(has_push: bool, answer: str) -> None:
    sent = (Sending("http", "crm", "sent", NOON, None),)
    capped = Reason(NOON, "capped", "remind", {})
    found = conclude(CART, msgspec.structs.replace(run("completed", capped, sent=sent), has_push=has_push))
    assert found.answer == answer
    assert any("step remind" in line for line in found.because)


def test_a_run_that_ended_without_a_message_says_where_it_went() -> None:
    history = (Reason(NOON, "split", "half", {"path": "b"}), Reason(NOON, "http", "tell", {}), Reason(NOON, "no_subscriber", "push"))
    found = conclude(CART, run("exited", *history, reason="event purchase"))
    assert found.sentence.endswith("exited at 2026-05-01T13:00:00.000Z: event purchase")
    assert found.because == (
        '2026-05-01T12:00:00.000Z, step half: took path "b"',
        "2026-05-01T12:00:00.000Z, step push: no push: the profile has no active subscriber",
    )


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        ("pending", "a push has been on its way since 2026-05-01T12:00:00.000Z (step push)"),
        ("failed", "a push of step push was not delivered: failed at 2026-05-01T12:00:00.000Z"),
    ],
)
def test_a_push_without_a_known_problem(status: str, sentence: str) -> None:
    found = conclude(CART, run(sent=(Sending("push", "push", status, NOON),)))
    assert found.sentence.partition("; ")[0] == sentence


TELLING = ["capped", "no_subscriber", "stale", "quiet_hours", "decided", "split", "timed_out", "exited", "failed", "result"]
"""What can be why no message went out."""
SILENT = ["waiting", "push", "http", "awaiting", "resumed", "moved", "retried", "goal", "segment", "update", "send_event", "completed"]


@pytest.mark.parametrize("what", TELLING + SILENT)
def test_what_led_to_it_is_told_and_nothing_else(what: str) -> None:
    line = Reason(NOON, what, "here", {"version": 1})
    told = (f"2026-05-01T12:00:00.000Z, step here: {tell_reason(line).sentence}",) if what in TELLING else ()
    assert conclude(CART, run("completed", line)).because == told


@pytest.mark.parametrize(
    ("sendings", "said"),
    [
        ([("http", "crm", NOON, "no luck")], " (no luck)"),
        ([("http", "crm", NOON + 1, "later"), ("http", "crm", NOON - 1, "no luck"), ("http", "crm", NOON - 2, "earlier")], " (no luck)"),
        ([("http", "crm", NOON, "status 500")], ""),
        ([("http", "crm", NOON, "status 501")], " (status 501)"),
        ([("http", "crm", NOON, None)], ""),
        ([("http", "crm", NOON + 1, "no luck"), ("http", "other", NOON, "no luck"), ("push", "crm", NOON, "no luck")], ""),
    ],
)
def test_the_outcome_of_a_request_comes_with_its_problem(sendings: list[tuple[str, str, int, str | None]], said: str) -> None:
    sent = tuple(Sending(kind, step, "failed", at, problem) for kind, step, at, problem in sendings)
    line = Reason(NOON, "result", "crm", {"outcome": "failed", "status": 500})
    [told] = conclude(CART, run("completed", line, sent=sent)).because
    assert told == f"2026-05-01T12:00:00.000Z, step crm: the request's outcome came: failed with status 500{said}"


def test_what_led_to_it_without_a_step() -> None:
    [told] = conclude(CART, run("exited", Reason(NOON, "exited", None, {"reason": "stopped"}))).because
    assert told == "2026-05-01T12:00:00.000Z, step -: exited: an operator stopped it"


def test_of_a_long_way_the_last_twenty_turns_are_told_and_how_the_workflow_is_now() -> None:
    turns = [Reason(NOON + number, "split", "half", {"path": str(number)}) for number in range(21)]
    paused = msgspec.structs.replace(CART, status="paused")
    *told, now = conclude(paused, run("completed", *turns)).because
    assert [one.partition("took path ")[2] for one in told] == [f'"{number}"' for number in range(1, 21)]
    assert now == "the workflow is paused now, since 2026-05-01T12:00:00.000Z"
    assert len(conclude(CART, run("completed", *turns[:20])).because) == 20
