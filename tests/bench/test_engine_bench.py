"""The benchmarks of the engine by itself, in small: they count right, and what they say of the numbers follows from them."""

from pathlib import Path

import msgspec
import pytest
from bench.engine_chart import draw_engine
from bench.engine_results import Events, EventsCase, Fired, Profile, Profiled, Sleep, Sleepers, Tenth
from bench.engine_verdicts import judge_due, judge_events, judge_sleep
from bench.plan import QUICK, DuePlan, SleepPlan
from bench.report import render
from bench.results import Results, begin
from bench.sampler import BOOKS, CHECKPOINT, COMMIT, CORE, DECODE, ENCODE, READ, STORE, WRITE, stage_of

from bench import due_at_once, engine_events, sleepers

READING = ["store/sqlite/engine.py take", "store/sqlite/reader.py Reader._read"]
WRITING = ["store/sqlite/engine.py apply", "store/sqlite/writer.py Writer._commit"]


def test_events_are_applied_and_only_the_workflows_that_listen_start(tmp_path: Path) -> None:
    answer = engine_events.measure(tmp_path / "some", 3, 2, 300, sampled=True)
    assert (answer.applied, answer.started) == (300, 600)
    assert answer.seconds > 0
    assert answer.sampled is not None
    assert sum(answer.sampled.stages.values()) == pytest.approx(1 if answer.sampled.samples else 0)


def test_runs_that_are_due_at_once_all_end(tmp_path: Path) -> None:
    due = due_at_once.run(msgspec.structs.replace(QUICK, due=DuePlan(runs=1_500)), tmp_path)
    assert [one.step for one in due] == ["exit", "http"]
    for fired in due:
        assert (fired.ended, fired.completed, fired.waiting) == (1_500, 1_500, 0)
        assert [tenth.seconds for tenth in fired.tenths] == sorted(tenth.seconds for tenth in fired.tenths)


def test_the_timers_among_sleeping_runs_fire_and_the_others_sleep_on(tmp_path: Path) -> None:
    small = SleepPlan(few=10, many=500, idle_seconds=0.1, settle_seconds=0.1, rate=50, seconds=1)
    sleep = sleepers.run(msgspec.structs.replace(QUICK, sleep=small), tmp_path)
    for one in (sleep.few, sleep.many):
        assert (one.fired, one.completed) == (50, 50)
        assert 0 <= one.p50 <= one.p99 <= one.most


@pytest.mark.parametrize(
    ("names", "expression", "stage"),
    [
        (READING, "connection.execute(sql, values).get", READ),
        (READING, "_decode_entries(value(connection, sql))", DECODE),
        (WRITING, 'connection.execute(sql, {"rows": _encode(written)})', WRITE),
        (WRITING, "_encode(written)", ENCODE),
        (WRITING[1:], 'connection.execute("COMMIT")', COMMIT),
        (["store/sqlite/wal.py WalLimit.checkpoint", *WRITING[1:]], "self._connection.wal_checkpoint(mode=mode)", CHECKPOINT),
        (["store/sqlite/reader.py Reader.call"], "monotonic()", STORE),
        (["workflow/advance.py advance", "engine/apply.py Applier._advance"], "match given:", CORE),
        (["engine/ledger.py Ledger.keep"], "layer.keep()", BOOKS),
        (["engine/apply.py Applier._explain"], "_encode(history)", ENCODE),
        (["engine/batch.py decode"], "decoder(entry.body)", DECODE),
    ],
)
def test_what_a_thread_does_is_read_from_where_it_is(names: list[str], expression: str, stage: str) -> None:
    assert stage_of(names, expression) == stage


def case(workflows: int, listening: int, seconds: float, *, applied: int = 100) -> EventsCase:
    return EventsCase(workflows, listening, 100, [seconds], [seconds], applied, 100 * listening)


EVENTS = Events([case(1, 1, 1e-4), case(200, 1, 1.2e-4), case(1, 0, 1e-5), case(200, 0, 1.3e-5), case(20, 20, 2e-3)], [3e-6])
FIRED = Fired("exit", 100, 0.005, 0.004, [Tenth(n / 2000, 100_000_000) for n in range(1, 11)], 100, 100, 0, 1, 149_999_999, 0.001)
SLEEPERS = Sleepers(10, 1, 1.0, 0.0199, 5, 5, 5, 1.0, 2.0, 3.0, 1)
PROFILE = Profile([Profiled("event", "event", 10.0, 7, {CORE: 0.5, READ: 0.5}, [("some place", 0.5)])])
RESULTS = msgspec.structs.replace(
    begin(QUICK), events=EVENTS, due=[FIRED], sleep=Sleep(1.0, 5, SLEEPERS, msgspec.structs.replace(SLEEPERS, p99=4.0)), profile=PROFILE
)


def test_an_event_costs_the_same_up_to_a_fifth() -> None:
    assert [each.met for each in judge_events(EVENTS)] == [True, False, True, True]


def test_an_event_that_is_missing_fails_the_run() -> None:
    [missing] = [each for each in judge_events(Events([case(1, 1, 1.0, applied=99), case(1, 0, 1.0)], [1.0])) if not each.met]
    assert missing.required
    assert missing.measured == "199 of 200"


def test_what_is_wanted_of_many_timers_is_met_at_the_limit_and_not_beyond() -> None:
    assert all(each.met for each in judge_due(FIRED))
    slow = msgspec.structs.replace(FIRED, seconds=0.00501, most=256_000_000, ended=101)
    assert [each.met for each in judge_due(slow)] == [False, False, True, False]
    grown = msgspec.structs.replace(FIRED, tenths=[*FIRED.tenths[:-1], Tenth(1.0, 110_000_001)])
    assert [each.met for each in judge_due(grown)] == [True, True, False, True]


def test_what_is_wanted_of_sleeping_runs_is_met_at_the_limit_and_not_beyond() -> None:
    assert RESULTS.sleep is not None
    assert all(each.met for each in judge_sleep(RESULTS.sleep))
    late = msgspec.structs.replace(SLEEPERS, p99=4.01, idle_cores=0.02, fired=6)
    assert not any(each.met for each in judge_sleep(msgspec.structs.replace(RESULTS.sleep, many=late)))


def test_the_report_shows_what_was_measured() -> None:
    page = render(RESULTS)
    for shown in ("(e) What an event costs", "(f) Very many runs", "(g) Very many sleeping", "Where the engine's time goes", "some place"):
        assert shown in page
    assert "100.0 | 100.0 | 100.0 | 1.00" in page
    assert draw_engine(RESULTS).startswith("<svg")


def test_results_survive_being_saved() -> None:
    assert msgspec.json.decode(msgspec.json.encode(RESULTS), type=Results) == RESULTS


def test_results_that_were_saved_before_these_benchmarks_still_load() -> None:
    old = msgspec.to_builtins(begin(QUICK))
    for name in ("events", "due", "sleep", "profile"):
        del old[name]
        old["plan"].pop(name, None)
    assert msgspec.convert(old, Results).events is None
