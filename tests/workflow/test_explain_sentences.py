"""Every verdict and every line of a run's history as a sentence; names from outside cannot steer a terminal."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.verdicts import RowVerdict
from clarion.workflow.explain import words
from clarion.workflow.explain.outline import UNREADABLE, outline
from clarion.workflow.explain.reasons import tell_reason
from clarion.workflow.explain.verdicts import REFUSALS, Known, tell_verdict
from clarion.workflow.run import Reason
from clarion.workflow.start import Verdict

NOON = 1_777_636_800_000_000
"""2026-05-01T12:00:00Z."""
HOUR = 3_600_000_000
PRICE = RowVerdict(("start", "on", 0, "where", "all", 1), "event.price", "gte", 20, 12.5, ok=False)
CART = RowVerdict(("exit", 0, "where"), "event.cart_id", "eq", "c1", "c1", ok=True, compared="entry.cart_id")
STAFF = RowVerdict(("start", "audience", "any", 0), "segments", "in", ["staff"], [], ok=False)


def verdict(kind: str, run: str | None = None, rows: tuple[Any, ...] = (), **detail: Any) -> Verdict:
    stored = msgspec.json.decode(msgspec.json.encode(Verdict("cart", 3, kind, run, rows, detail)))
    return msgspec.convert(stored, Verdict)


VERDICTS: list[tuple[Verdict, Known, str]] = [
    (verdict("started", "r1"), Known(), "started run r1"),
    (
        verdict("started", "r1", (CART,)),
        Known(),
        'started run r1 (exit[0].where: event.cart_id eq entry.cart_id (which is "c1") — saw "c1")',
    ),
    (verdict("resumed", "r1"), Known(), "resumed run r1"),
    (verdict("exited", "r1", (CART,)), Known(), 'ended run r1 (exit[0].where: event.cart_id eq entry.cart_id (which is "c1") — saw "c1")'),
    (verdict("failed", "r1"), Known(), "ended run r1, which failed"),
    (verdict("goal", "r1"), Known(), "met the goal of run r1"),
    (verdict("where", None, (PRICE,)), Known(), "not started: start.on[0].where.all[1]: event.price gte 20 — saw 12.5"),
    (verdict("audience", None, (STAFF,)), Known(), 'not started: start.audience.any[0]: segments in ["staff"] — saw []'),
    (verdict("already_running", "r1"), Known(NOON), "not started: run r1 has been under way since 2026-05-01T12:00:00.000Z"),
    (verdict("already_running", "r1"), Known(), "not started: run r1 has been under way"),
    (
        verdict("already_running", "r1"),
        Known(NOON, NOON + HOUR),
        "not started: run r1 was under way since 2026-05-01T12:00:00.000Z, until 2026-05-01T13:00:00.000Z",
    ),
    (
        verdict("not_again", last_start=NOON),
        Known(again=HOUR),
        "not started: it was last started at 2026-05-01T12:00:00.000Z and may start again from 2026-05-01T13:00:00.000Z "
        "(start.again: after 1h)",
    ),
    (
        verdict("not_again", last_start=NOON),
        Known(never=True),
        "not started: it was last started at 2026-05-01T12:00:00.000Z and may never start again (start.again: never)",
    ),
    (
        verdict("not_again", last_start=NOON),
        Known(),
        "not started: it was last started at 2026-05-01T12:00:00.000Z and may not start again yet (start.again)",
    ),
    (verdict("no_key", field="event.cart_id"), Known(), "not started: the key event.cart_id is missing (start.key)"),
    (
        verdict("too_old", happened=NOON - 100 * HOUR, max_age=72 * HOUR),
        Known(),
        "not started: it happened at 2026-04-27T08:00:00.000Z, more than 3d before 2026-05-01T12:00:00.000Z (start.max_age)",
    ),
    (verdict("paused"), Known(), "not started: the workflow was paused"),
    (verdict("draining"), Known(), "not started: the workflow was draining, which starts nothing"),
    (verdict("archived"), Known(), "not started: the workflow was archived"),
    (verdict("archived", "r1"), Known(), "not taken up again, run r1: the workflow was archived"),
    (verdict("hop_limit", hops=8), Known(), "not started: the event is 8 runs away from one from outside (at most 7)"),
    (verdict("hop_limit", "r1", hops=8), Known(), "not resumed run r1: the event is 8 runs away from one from outside (at most 7)"),
    (verdict("unknown_subscriber"), Known(), "not started: no subscriber had the event's device_token_hash"),
    (verdict("unknown_workflow"), Known(), "not started: there was no such workflow"),
    (verdict("too_many_runs", runs=1000), Known(), "not started: the profile had 1000 runs under way, the most that it can have"),
    (verdict("of_tomorrow"), Known(), "of_tomorrow"),
]


@pytest.mark.parametrize(("given", "known", "sentence"), VERDICTS, ids=lambda one: one.verdict if isinstance(one, Verdict) else None)
def test_verdicts(given: Verdict, known: Known, sentence: str) -> None:
    told = tell_verdict(given, NOON, known)
    assert told.sentence == sentence
    assert (told.workflow, told.version, told.verdict, told.run_id) == ("cart", 3, given.verdict, given.run)
    assert told.refuses is sentence.startswith("not started")


def test_every_refusal_has_a_sentence() -> None:
    assert {given.verdict for given, _, sentence in VERDICTS if sentence.startswith("not ")} == REFUSALS


def test_what_a_verdict_does_not_hold_is_in_its_detail() -> None:
    assert tell_verdict(verdict("already_running", "r"), NOON, Known(5, 6)).detail == {"since": 5, "ended": 6}
    assert tell_verdict(verdict("already_running", "r"), NOON, Known(5)).detail == {"since": 5}
    assert tell_verdict(verdict("already_running", "r"), NOON).detail == {}
    assert tell_verdict(verdict("not_again", last_start=NOON), NOON, Known(again=HOUR)).detail["again_at"] == NOON + HOUR
    assert tell_verdict(verdict("not_again", last_start=NOON), NOON).detail == {"last_start": NOON}
    assert tell_verdict(verdict("started", "r", last_start=NOON), NOON, Known(1, 2, HOUR)).detail == {"last_start": NOON}


TOOK = {"branch": "2", "rows": [msgspec.to_builtins(PRICE)]}

REASONS: list[tuple[str, dict[str, Any], str]] = [
    ("waiting", {"until": NOON}, "waits until 2026-05-01T12:00:00.000Z"),
    ("waiting", {"until": NOON, "for": ["paid", "gone"]}, "waits for paid, gone, until 2026-05-01T12:00:00.000Z"),
    ("quiet_hours", {"until": NOON}, "quiet hours: the push waits until 2026-05-01T12:00:00.000Z"),
    ("push", {"effect": "e"}, "sends a push"),
    ("push", {"effect": "e", "missing": ["it", "you"]}, "sends a push; nothing to fill in for it, you"),
    ("capped", {"cap": "workflow", "pushes": 3, "per": 24 * HOUR}, "no push: the workflow's cap of 3 pushes in 1d is reached"),
    ("capped", {"cap": "site", "pushes": 1, "per": HOUR}, "no push: the site's cap of 1 push in 1h is reached"),
    ("no_subscriber", {}, "no push: the profile has no active subscriber"),
    ("stale", {}, "no push: the pause held it for too long"),
    ("http", {"effect": "e"}, "sends a request"),
    ("awaiting", {"effect": "e"}, "sends a request and waits for its outcome"),
    ("result", {"outcome": "failed", "status": 500}, "the request's outcome came: failed with status 500"),
    ("result", {"outcome": "expired"}, "the request's outcome came: expired"),
    ("decided", TOOK, "took case 2 (start.on[0].where.all[1]: event.price gte 20 — saw 12.5)"),
    ("decided", TOOK | {"branch": "else"}, "took else (start.on[0].where.all[1]: event.price gte 20 — saw 12.5)"),
    ("split", {"path": "b"}, 'took path "b"'),
    ("resumed", {"event": "e", "event_name": "paid"}, "went on, for paid came"),
    ("resumed", {"event_name": "x", "recorded": True}, "went on, for x came, which had been recorded before"),
    ("timed_out", {}, "went on, for nothing that it waited for came in time"),
    ("retried", {"version": 2}, "is tried again here, in version 2"),
    ("moved", {"from": 1, "version": 2}, "was moved from version 1, to go on in version 2"),
    ("moved", {"version": 2}, "was moved to this step, to go on in version 2"),
    ("not_resumed", TOOK, "did not go on: start.on[0].where.all[1]: event.price gte 20 — saw 12.5"),
    ("not_exited", TOOK, "did not exit: start.on[0].where.all[1]: event.price gte 20 — saw 12.5"),
    ("goal", {"event_name": "paid", "value": 12.5}, "met its goal, for paid came, worth 12.5"),
    ("goal", {"event_name": "paid", "value": 40.0}, "met its goal, for paid came, worth 40"),
    ("goal", {"event_name": "paid", "no_value": "event.total"}, "met its goal, for paid came, without a number in event.total"),
    ("segment", {"added": ["vip"], "removed": []}, "joined segment vip"),
    ("segment", {"added": [], "removed": ["vip", "new"]}, "left segment vip, new"),
    ("segment", {"added": [], "removed": []}, "changed nothing"),
    ("update", {"set": ["a"], "removed": ["b", "c"]}, "set a and removed b, c"),
    ("send_event", {"event": "e", "name": "left"}, "sends event left"),
    ("start_workflow", {"event": "e", "workflow": "w"}, "asks for a start of workflow w"),
    ("stop_workflow", {"workflow": "w"}, "stops the runs of workflow w"),
    ("completed", {}, "came to its end"),
    ("exited", {"reason": "event paid", "rows": [msgspec.to_builtins(CART)]},
     'exited: event paid (exit[0].where: event.cart_id eq entry.cart_id (which is "c1") — saw "c1")'),
    ("exited", {"reason": "restarted"}, "exited: a new start took its place (start.while_running: restart)"),
    ("failed", {"reason": "step a: no"}, "failed: no"),
    ("failed", {"reason": "step b: no"}, "failed: step b: no"),
    ("of_tomorrow", {}, "of_tomorrow"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "detail", "sentence"), REASONS)
def test_lines_of_a_history(what: str, detail: dict[str, Any], sentence: str) -> None:
    told = tell_reason(Reason(NOON, what, "a", detail))
    assert told.sentence == sentence
    assert (told.at, told.what, told.step) == (NOON, what, "a")
    assert "rows" not in told.detail


UNKNOWN = "an unknown time"
BARE: list[tuple[str, str]] = [
    ("waiting", f"waits until {UNKNOWN}"),
    ("quiet_hours", f"quiet hours: the push waits until {UNKNOWN}"),
    ("capped", f"no push: the frequency's cap of null pushes in {UNKNOWN} is reached"),
    ("result", "the request's outcome came: unknown"),
    ("decided", "took case ?"),
    ("split", 'took path "?"'),
    ("resumed", "went on, for an event came"),
    ("retried", "is tried again here, in version null"),
    ("moved", "was moved to this step, to go on in version null"),
    ("not_resumed", "did not go on: what came is not what it waits for"),
    ("not_exited", "did not exit: the rule did not hold"),
    ("goal", "met its goal, for an event came"),
    ("segment", "changed nothing"),
    ("update", "changed nothing"),
    ("send_event", "sends event ?"),
    ("start_workflow", "asks for a start of workflow ?"),
    ("stop_workflow", "stops the runs of workflow ?"),
    ("completed", "came to its end"),
    ("exited", "exited"),
    ("failed", "failed"),
]


@pytest.mark.parametrize(("what", "sentence"), BARE)
def test_a_line_that_holds_less_than_it_should_is_told_all_the_same(what: str, sentence: str) -> None:
    assert tell_reason(Reason(NOON, what)).sentence == sentence


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (verdict("started"), "started run ?"),
        (
            verdict("goal", "r1", (CART,)),
            'met the goal of run r1 (exit[0].where: event.cart_id eq entry.cart_id (which is "c1") — saw "c1")',
        ),
        (verdict("where"), "not started: its conditions did not hold"),
        (verdict("audience"), "not started: the profile is not in the audience"),
        (verdict("not_again"), f"not started: it was last started at {UNKNOWN} and may not start again yet (start.again)"),
        (verdict("no_key"), "not started: the key ? is missing (start.key)"),
        (verdict("too_old"), f"not started: it happened at {UNKNOWN}, more than {UNKNOWN} before 2026-05-01T12:00:00.000Z (start.max_age)"),
        (verdict("hop_limit"), "not started: the event is null runs away from one from outside (at most 7)"),
        (verdict("too_many_runs"), "not started: the profile had null runs under way, the most that it can have"),
    ],
    ids=lambda one: one.verdict if isinstance(one, Verdict) else None,
)
def test_a_verdict_that_holds_less_than_it_should_is_told_all_the_same(given: Verdict, sentence: str) -> None:
    assert tell_verdict(given, NOON, Known(again=HOUR)).sentence == sentence


WHATS = sorted({what for what, _, _ in REASONS})
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
NAMES = ["until", "for", "cap", "pushes", "per", "missing", "outcome", "status", "branch", "rows", "path", "event_name", "version", "from"]
NAMES += [
    "value",
    "no_value",
    "added",
    "removed",
    "set",
    "name",
    "workflow",
    "reason",
    "last_start",
    "field",
    "happened",
    "max_age",
    "hops",
    "runs",
]


@given(st.sampled_from(WHATS), st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=4))
@settings(max_examples=150, deadline=None)
def test_whatever_is_stored_is_one_bounded_line_of_plain_text(what: str, detail: dict[str, Any]) -> None:
    for told in (tell_reason(Reason(NOON, what, None, detail)), tell_verdict(Verdict("w", 1, what, None, (), detail), NOON)):
        assert told.sentence.isprintable()
        assert len(told.sentence) < 5_000


@given(st.sampled_from(sorted(REFUSALS)), st.dictionaries(st.sampled_from(NAMES), JUNK, max_size=4))
@settings(max_examples=100, deadline=None)
def test_whatever_a_verdict_holds_is_one_line_of_plain_text(kind: str, detail: dict[str, Any]) -> None:
    told = tell_verdict(Verdict("w", 1, kind, "\x1b[31m", (), detail), NOON, Known(NOON, NOON, HOUR))
    assert told.sentence.isprintable()
    assert len(told.sentence) < 5_000


HOSTILE = "\x1b[31m\x9b2J\r\nerror: \u202egnirts\u2028[bold red]x[/] \x00\U000e0001"


def test_a_hostile_name_cannot_steer_a_terminal() -> None:
    row = RowVerdict(("start", "on", 0, "where", HOSTILE), HOSTILE, "eq", HOSTILE, HOSTILE, ok=False, compared=HOSTILE)
    told = [
        tell_verdict(verdict("where", None, (row,)), NOON).sentence,
        tell_verdict(verdict("no_key", field=HOSTILE), NOON).sentence,
        tell_verdict(verdict("started", HOSTILE), NOON).sentence,
        *(tell_reason(Reason(NOON, what, HOSTILE, dict.fromkeys(NAMES, HOSTILE) | {"rows": []})).sentence for what in WHATS),
    ]
    assert all(sentence.isprintable() for sentence in told)
    assert "\\u001b[31m\\u009b2J" in told[1]
    assert "[bold red]x[/]" in told[1]  # printed as it is: nothing interprets it


def test_words_are_cut() -> None:
    assert words.name("x" * 120) == "x" * 120
    assert words.name("x" * 121) == "x" * 119 + "…"
    assert words.value("x" * 298) == f'"{"x" * 298}"'
    assert words.value("x" * 299) == f'"{"x" * 298}…'
    assert words.quoted("x" * 299) == f'"{"x" * 298}…'
    assert words.value(10**100) == "1" + "0" * 100


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (40, "40"),
        (40.0, "40"),
        (-0.0, "0"),
        (40.5, "40.5"),
        (2.0**53 - 1, "9007199254740991"),
        (2.0**53, "9007199254740992.0"),
        (1e300, "1e300"),
        (True, "true"),
    ],
)
def test_a_number_is_spelled_one_way(number: object, said: str) -> None:
    assert words.value(number) == said


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (list("abcde"), "a, b, c, d, e"),
        (tuple("abcdef"), "a, b, c, d, e and 1 more"),
        (list("abcdefgh"), "a, b, c, d, e and 3 more"),
        ([], ""),
        ("abc", "abc"),
        (7, "7"),
        (["x" * 121], "x" * 119 + "…"),
    ],
)
def test_of_many_names_five_are_said(given: object, said: str) -> None:
    assert words.names(given) == said


@pytest.mark.parametrize(
    ("microseconds", "said"),
    [
        (NOON + 1_999, "2026-05-01T12:00:00.001Z"),
        (0, "1970-01-01T00:00:00.000Z"),
        (-1_000, "1969-12-31T23:59:59.999Z"),
        (10**18, "an unknown time"),
        (10**30, "an unknown time"),
        (10**400, "an unknown time"),
        (None, "an unknown time"),
        ("0", "an unknown time"),
        (1.5, "an unknown time"),
    ],
)
def test_times(microseconds: object, said: str) -> None:
    assert words.instant(microseconds) == said


@pytest.mark.parametrize(
    ("microseconds", "said"),
    [
        (0, "0s"),
        (-1, "an unknown time"),
        (999, "0s"),
        (1_000, "1ms"),
        (90_001_999, "1m30s1ms"),
        (25 * HOUR, "1d1h"),
        (None, "an unknown time"),
        ("1h", "an unknown time"),
    ],
)
def test_spans(microseconds: object, said: str) -> None:
    assert words.span(microseconds) == said


@pytest.mark.parametrize(
    ("character", "said"),
    [("\n", "\\u000a"), ("\uffff", "\\uffff"), ("\U0001ffff", "\\U0001ffff"), ("\U00010000", "\U00010000"), ("é", "é"), ("🦊", "🦊")],
)
def test_what_cannot_be_printed_is_escaped(character: str, said: str) -> None:
    assert words.name(f"a{character}b") == f"a{said}b"


@pytest.mark.parametrize(("given", "said"), [(None, "None"), (5, "5"), ("x", "x")])
def test_what_should_be_a_name_and_is_none_is_said_all_the_same(given: object, said: str) -> None:
    assert words.name(given) == said
    assert words.quoted(given) == f'"{said}"'


def test_the_outline_of_a_document() -> None:
    found = outline(b'{"start":{"on":[{"event":"a"},{"event":"b","where":{}},{"event":"a"}],"again":{"after":"1h"}},"steps":[]}')
    assert (found.events, found.again, found.never) == (("a", "b"), HOUR, False)
    assert outline(b'{"start":{"on":[{"event":"a"}],"again":"never"}}').never is True
    start = b'{"start":{"on":[{"event":"a"}]},"steps":'
    assert not outline(start + b'[{"id":"b","http":{}},{"id":"w","wait":{}}]}').has_push
    assert outline(start + b'[{"id":"b","http":{}},{"id":"p","push":{}}]}').has_push
    assert outline(start + b'[{"id":"s","split":{"paths":[{"steps":[]},{"steps":[{"id":"p","push":{}}]}]}}]}').has_push
    assert outline(b'{"start":{"on":[{"event":"a"}]}}').known(1, 2) == Known(1, 2, None, never=False)
    for unreadable in (b"", b"[]", b'{"start":{}}', b'{"start":{"on":[{"event":"a"}],"again":{"after":"soon"}}}'):
        assert outline(unreadable) == UNREADABLE
    assert (UNREADABLE.events, UNREADABLE.again, UNREADABLE.never) == ((), None, False)


@pytest.mark.parametrize(
    ("again", "known"),
    [
        (b'"always"', Known(1, 2)),
        (b'"never"', Known(1, 2, None, never=True)),
        (b'{"after":"1h"}', Known(1, 2, HOUR)),
    ],
)
def test_when_a_workflow_may_start_again_is_in_its_document(again: bytes, known: Known) -> None:
    assert outline(b'{"start":{"on":[{"event":"a"}],"again":' + again + b"}}").known(1, 2) == known
