"""What one input did may be told in several explanations: they are shown as one, and nothing else is taken for it."""

import msgspec
import pytest

from clarion.control.explain.books import joined
from clarion.store.records.explanations import Explanation
from clarion.workflow.history import MOST_TOLD, History
from clarion.workflow.start import Verdict


def part(
    count: int, first: int = 0, *, event: str = "e", profile: str = "n:p", at: int = 1, name: str = "go"
) -> tuple[Explanation, History]:
    verdicts = tuple(Verdict(f"w{first + number}", 1, "where") for number in range(count))
    return Explanation(1, profile, event, at, msgspec.Raw(b"{}")), History(name, verdicts)


def test_the_parts_of_one_input_are_one() -> None:
    parts = [part(MOST_TOLD), part(MOST_TOLD, MOST_TOLD), part(3, 2 * MOST_TOLD)]
    [(_, history)] = joined(parts)
    assert [one.workflow for one in history.verdicts] == [f"w{number}" for number in range(2 * MOST_TOLD + 3)]


@pytest.mark.parametrize(
    "other", [part(1, event="f"), part(1, profile="n:q"), part(1, at=2), part(1, name="timer")], ids=["event", "profile", "time", "name"]
)
def test_another_input_is_not_part_of_it(other: tuple[Explanation, History]) -> None:
    assert len(joined([part(MOST_TOLD), other])) == 2


def test_what_comes_again_is_not_part_of_what_was_told_whole() -> None:
    assert len(joined([part(MOST_TOLD - 1), part(1)])) == 2
