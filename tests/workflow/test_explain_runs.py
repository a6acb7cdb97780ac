"""Where a run stands, or how it ended, as one sentence."""

import msgspec
import pytest

from clarion.workflow.explain.reasons import tell_reason
from clarion.workflow.explain.runs import RunFacts, Sending
from clarion.workflow.run import Reason

NOON = 1_777_636_800_000_000
"""2026-05-01T12:00:00Z."""
HOUR = 3_600_000_000
WAITS = RunFacts("r1", 2, "waiting", "hour", NOON, NOON + HOUR, False, NOON - HOUR, None, None)
STANDS = "has stood at step hour since 2026-05-01T12:00:00.000Z"


def line(what: str, at: int = NOON, step: str = "hour") -> Reason:
    return Reason(at, what, step, {"until": NOON + 2 * HOUR, "version": 2, "event_name": "paid"})


def sentence(facts: RunFacts, *history: Reason) -> str:
    return msgspec.structs.replace(facts, history=tuple(map(tell_reason, history))).sentence


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("waiting", "waits until 2026-05-01T14:00:00.000Z"),
        ("quiet_hours", "quiet hours: the push waits until 2026-05-01T14:00:00.000Z"),
        ("awaiting", "sends a request and waits for its outcome"),
        ("retried", "is tried again here, in version 2"),
        ("moved", "was moved to this step, to go on in version 2; waits until 2026-05-01T13:00:00.000Z"),
    ],
)
def test_a_line_of_the_history_says_why_a_run_stands_there(what: str, why: str) -> None:
    assert sentence(WAITS, line(what)) == f"{STANDS}: {why}"


@pytest.mark.parametrize(
    "unfit",
    [line("waiting", NOON - 1), line("waiting", step="other"), line("not_resumed"), line("push")],
    ids=["of an earlier visit", "of another step", "what did not move it", "what was done there"],
)
def test_other_lines_do_not(unfit: Reason) -> None:
    assert sentence(WAITS, unfit) == f"{STANDS}, until 2026-05-01T13:00:00.000Z"
    assert sentence(WAITS, line("awaiting"), unfit) == f"{STANDS}: sends a request and waits for its outcome"


def test_the_last_such_line_counts() -> None:
    assert sentence(WAITS, line("moved"), line("waiting", NOON + 1)) == f"{STANDS}: waits until 2026-05-01T14:00:00.000Z"


def test_a_moved_run_says_until_when_or_for_what_it_waits_now() -> None:
    moved = "was moved to this step, to go on in version 2"
    at_once = msgspec.structs.replace(WAITS, due=NOON)
    assert sentence(at_once, line("waiting"), line("moved")) == f"{STANDS}: {moved}"
    assert sentence(at_once, line("moved", NOON - 1), line("moved")) == f"{STANDS}: {moved}"
    later = msgspec.structs.replace(WAITS, due=NOON + 1_000)
    assert sentence(later, line("waiting"), line("moved")) == f"{STANDS}: {moved}; waits until 2026-05-01T12:00:00.001Z"
    awaiting = msgspec.structs.replace(WAITS, due=None)
    asks = "sends a request and waits for its outcome"
    assert sentence(awaiting, line("awaiting"), line("moved"), line("moved")) == f"{STANDS}: {asks}; {moved}"
    assert sentence(awaiting, line("moved")) == f"{STANDS}: {moved}"


def test_a_run_that_waits_without_a_line_about_it() -> None:
    assert WAITS.sentence == f"{STANDS}, until 2026-05-01T13:00:00.000Z"
    assert msgspec.structs.replace(WAITS, due=None).sentence == STANDS
    assert msgspec.structs.replace(WAITS, step=None).sentence.startswith("has stood at step ? since")


def test_a_pause_holds_a_run_whose_timer_is_due() -> None:
    held = msgspec.structs.replace(WAITS, held=True)
    assert sentence(held) == f"{STANDS}, until 2026-05-01T13:00:00.000Z; its timer is due, but the workflow is paused"
    assert sentence(held, line("awaiting")).endswith("waits for its outcome; its timer is due, but the workflow is paused")


@pytest.mark.parametrize(
    ("status", "reason", "said"),
    [
        ("completed", None, "came to its end at 2026-05-01T13:00:00.000Z"),
        ("failed", "step a: no", "failed at 2026-05-01T13:00:00.000Z: step a: no"),
        ("exited", "audience", "exited at 2026-05-01T13:00:00.000Z: an exit rule on the audience holds"),
        ("exited", "archived", "exited at 2026-05-01T13:00:00.000Z: the workflow was archived"),
        ("exited", "ended", "exited at 2026-05-01T13:00:00.000Z: a publish ended the runs under way"),
        ("exited", "merged", "exited at 2026-05-01T13:00:00.000Z: its profile was merged into one that has an older run"),
        ("exited", "step_removed", "exited at 2026-05-01T13:00:00.000Z: the version that it was to go on in has no such step"),
        ("exited", "event paid", "exited at 2026-05-01T13:00:00.000Z: event paid"),
    ],
)
def test_how_a_run_ended(status: str, reason: str | None, said: str) -> None:
    ended = msgspec.structs.replace(WAITS, status=status, ended=NOON + HOUR, reason=reason)
    assert sentence(ended, line("waiting")) == said


@pytest.mark.parametrize(("kind", "thing"), [("push", "a push"), ("http", "a request")])
def test_what_is_sent_has_a_name(kind: str, thing: str) -> None:
    assert Sending(kind, "s", "pending", NOON).thing == thing
