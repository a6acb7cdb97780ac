"""What is made of verdicts."""

import pytest
from tests.mutation.judge import KILLED, SURVIVED, TIMEOUT, UNREACHED, Verdict
from tests.mutation.report import render, summarise
from tests.mutation.results import Module, conclude, together


def verdict(outcome: str, module: str = "clarion.domain.dates", change: str = "a → b") -> Verdict:
    return Verdict(module, "zone", 7, "line", change, outcome, 0.1)


def test_scores_are_counted_by_module_and_timeouts_are_kills() -> None:
    verdicts = [verdict(KILLED), verdict(TIMEOUT), verdict(SURVIVED), verdict(UNREACHED), verdict(KILLED, "clarion.workflow.run")]
    results = conclude(verdicts, 5, "2026-03-01", 12)
    assert (results.score, results.error) == (60.0, 0.0)
    assert results.modules == [Module("clarion.domain.dates", 4, 2), Module("clarion.workflow.run", 1, 1)]
    assert [one.score for one in results.modules] == [50.0, 100.0]
    assert [one.outcome for one in results.alive] == [SURVIVED, UNREACHED]


def test_a_sample_has_an_error() -> None:
    results = conclude([verdict(KILLED)] * 850 + [verdict(SURVIVED)] * 150, 5000, "2026-03-01", 12)
    assert (results.score, results.error) == (85.0, 2.0)
    assert "85.0 ± 2.0 % of 1000 mutants killed, of 5000 in all" in summarise(results)


def test_runs_of_different_modules_make_one() -> None:
    one = conclude([verdict(KILLED), verdict(SURVIVED)], 2, "2026-03-01", 12)
    other = conclude([verdict(KILLED, "clarion.workflow.run"), verdict(TIMEOUT, "clarion.workflow.run")], 2, "2026-03-02", 30)
    both = together(other, one)
    assert (both.date, both.mutants, both.judged, both.score, both.seconds) == ("2026-03-02", 4, 4, 75.0, 42)
    assert both.outcomes == {KILLED: 2, SURVIVED: 1, TIMEOUT: 1}
    assert [each.name for each in both.modules] == ["clarion.domain.dates", "clarion.workflow.run"]
    assert both.packages() == [Module("clarion.domain", 2, 1), Module("clarion.workflow", 2, 2)]
    assert "By package: `clarion.domain` 50.0 % of 2, `clarion.workflow` 100.0 % of 2." in render(both, 85)
    for unfit in (one, conclude([verdict(KILLED, "clarion.workflow.run")], 2, "2026-03-01", 1)):
        with pytest.raises(ValueError, match="whole runs"):
            together(one, unfit)


def test_the_page_has_the_score_and_every_survivor() -> None:
    known = Verdict("clarion.domain.durations", "parse_duration", 32, "last = -1", "1 → 2", SURVIVED, 0.1)
    page = render(conclude([verdict(SURVIVED, change="a | b → `c`"), verdict(KILLED), known], 3, "2026-03-01", 12), 85)
    assert "**33.3 % of 3 mutants killed on 2026-03-01**" in page
    assert "shown to be no fault: 50.0 %" in page
    assert "| clarion.domain.dates | 2 | 1 | 50.0 |" in page
    assert "| `` domain.dates zone `` |" not in page
    assert "| `domain.dates zone` | `line` | `` a \\| b → `c` `` |" in page
    assert "| `domain.durations parse_duration` | `1 → 2` | any number below zero" in page
