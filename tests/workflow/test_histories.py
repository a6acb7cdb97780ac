"""What explanations hold: stored so that a later version reads it, and told in several where it is too much for one."""

import msgspec
import pytest

from clarion.workflow import history
from clarion.workflow.history import History
from clarion.workflow.run import Reason
from clarion.workflow.start import Verdict


def part(verdicts: int = 0, runs: int = 0, *, name: str = "go", first: int = 0, unknown_subscriber: bool = False) -> History:
    numbers = range(first, first + max(verdicts, runs))
    return History(
        name,
        tuple(Verdict(f"w{number}", 1, "started") for number in numbers[:verdicts]),
        tuple((f"r{number}", (Reason(number, "completed"),)) for number in numbers[:runs]),
        unknown_subscriber,
    )


@pytest.mark.parametrize(
    ("full", "later", "goes_on"),
    [
        (part(100), part(1), True),
        (part(0, 100), part(1), True),
        (part(100, 100), part(100, 100), True),
        (part(101), part(1), True),
        (part(99, 99), part(1), False),
        (part(100), part(1, name="other"), False),
        (part(100), part(1, unknown_subscriber=True), False),
        (part(100, unknown_subscriber=True), part(1, unknown_subscriber=True), True),
    ],
)
def test_an_explanation_goes_on_in_the_next_where_it_is_full(full: History, later: History, goes_on: bool) -> None:
    # stored ones have a hundred: with another limit they would be read as several inputs
    assert full.goes_on_in(later) is goes_on


def test_two_parts_are_one_in_their_order() -> None:
    whole = part(100, 40, unknown_subscriber=True).with_rest(part(3, 2, first=100, unknown_subscriber=True))
    assert (whole.name, whole.unknown_subscriber) == ("go", True)
    assert [one.workflow for one in whole.verdicts] == [f"w{number}" for number in range(103)]
    assert [id for id, _ in whole.runs] == [*(f"r{number}" for number in range(40)), "r100", "r101"]


def test_what_says_nothing_is_not_stored() -> None:
    assert msgspec.to_builtins(History("go")) == {"name": "go"}
    assert msgspec.json.decode(b'{"name":"go"}', type=History) == History("go", (), (), unknown_subscriber=False)
    assert msgspec.to_builtins(History("go", unknown_subscriber=True)) == {"name": "go", "unknown_subscriber": True}


def test_stored_names_of_what_is_no_event() -> None:
    names = (history.TIMER, history.OUTCOME, history.OPERATOR, history.WORKFLOW, history.RECEIPT, history.SUBSCRIBER)
    assert names == ("timer", "outcome", "operator", "workflow", "receipt", "subscriber")
