"""The one answer to why somebody did not get a workflow's message."""

import msgspec
import pytest

from clarion.domain.verdicts import RowVerdict
from clarion.workflow.explain.conclusion import Heard, Refusal, Subject, conclude, unknown_person
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
    assert conclude(Subject("nope", None)).answer == "unknown_workflow"
    assert conclude(Subject("cart", "draft")).sentence == "the workflow is a draft: it was never published"


def test_the_person_is_not_known() -> None:
    assert unknown_person(CART, subscriber=True).answer == "unknown_subscriber"
    said = unknown_person(CART, subscriber=False)
    assert (said.answer, said.sentence) == (
        "unknown_profile",
        "nothing has ever come for this profile; the workflow listens for add_to_cart",
    )
    assert unknown_person(Subject("nope", None), subscriber=False).answer == "unknown_workflow"
    assert unknown_person(Subject("cart", "draft"), subscriber=True).answer == "draft"


def test_the_last_event_was_refused() -> None:
    found = conclude(CART, None, refusal(NOON), Heard(NOON, "e1", "add_to_cart"))
    assert (found.answer, found.event_id, found.run_id) == ("refused", "e1", None)
    assert found.sentence == (
        "the last event that it listens for, add_to_cart at 2026-05-01T12:00:00.000Z, did not start it: "
        "start.on[0].where: event.price gte 20 — saw 12.5"
    )
    assert found.verdict is not None
    assert [(row.path, row.saw) for row in found.verdict.rows] == [("start.on[0].where", 12.5)]


@pytest.mark.parametrize(
    ("status", "at", "answer"),
    [
        ("active", NOON - 1, "published_later"),
        ("active", NOON, "not_recorded"),
        ("archived", NOON, "archived"),
        ("archived", NOON - 1, "published_later"),
    ],
)
def test_an_event_without_a_verdict(status: str, at: int, answer: str) -> None:
    found = conclude(msgspec.structs.replace(CART, status=status), None, None, Heard(at, "e1", "add_to_cart"))
    assert (found.answer, found.event_id) == (answer, "e1")


def test_what_came_last_is_the_answer() -> None:
    later = refusal(NOON + HOUR)
    assert conclude(CART, run("completed"), later).answer == "refused"
    assert "run r1, started at 2026-05-01T12:00:00.000Z, came to its end" in conclude(CART, run("completed"), later).because[0]
    assert conclude(CART, run("completed"), refusal(NOON)).answer == "refused"
    assert conclude(CART, run("completed")).answer == "ended"
    behind = conclude(CART, run(), refusal(NOON + HOUR, "already_running", ()))
    assert (behind.answer, behind.run_id) == ("waiting", "r1")
    assert behind.because[-1].endswith("did not start it: run ? has been under way")


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


def test_a_run_that_ended_without_a_message_says_where_it_went() -> None:
    history = (Reason(NOON, "split", "half", {"path": "b"}), Reason(NOON, "http", "tell", {}), Reason(NOON, "no_subscriber", "push"))
    found = conclude(CART, run("exited", *history, reason="event purchase"))
    assert found.sentence.endswith("exited at 2026-05-01T13:00:00.000Z: event purchase")
    assert found.because == (
        '2026-05-01T12:00:00.000Z, step half: took path "b"',
        "2026-05-01T12:00:00.000Z, step push: no push: the profile has no active subscriber",
    )
