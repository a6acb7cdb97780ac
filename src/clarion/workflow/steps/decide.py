"""`decide`: take the first branch whose condition holds."""

from collections.abc import Iterator
from typing import Any, ClassVar, Final

import msgspec

from clarion.domain.conditions import Condition, RowVerdict, Verdict
from clarion.domain.problems import Path
from clarion.workflow.fields import ConditionTree
from clarion.workflow.nesting import Steps
from clarion.workflow.shapes import ListOf, Object, Reading, Shape
from clarion.workflow.step import Into, Leaf, Move, Step, Visit

MOST_CASES: Final = 50
MOST_ROWS_TOLD: Final = 10
"""Of each case; the row that decided is always among them."""


class Case(msgspec.Struct, frozen=True):
    """A condition and where it leads."""

    when: Condition
    steps: tuple[Step, ...]


def _repetitions(value: dict[Any, Any], _: Reading) -> Iterator[tuple[Path, str]]:
    """Cases that an earlier one always comes before."""
    cases = value.get("cases")
    known: dict[bytes, int] = {}
    for index, case in enumerate(cases[:MOST_CASES] if isinstance(cases, list) else ()):
        spelled = _spelled(case.get("when")) if isinstance(case, dict) else None
        if spelled is not None and known.setdefault(spelled, index) != index:
            yield ("cases", index, "when"), f"is never reached: case {known[spelled] + 1} has the same condition"


def _spelled(condition: object) -> bytes | None:
    """Equal for conditions that say the same; None for what cannot be a condition."""
    try:
        return msgspec.json.encode(condition, order="sorted") if isinstance(condition, dict) and condition else None
    except (TypeError, ValueError, OverflowError, RecursionError):
        return None


class Decide(Leaf, msgspec.Struct, frozen=True):
    """Tests its cases in order; without one that holds, the run goes into `else`."""

    kind: ClassVar[str] = "decide"
    shape: ClassVar[Shape] = Object(
        {"cases": ListOf(Object({"when": ConditionTree(), "steps": Steps()}), least=1, most=MOST_CASES)},
        {"else": Steps()},
        check=_repetitions,
    )

    id: str
    cases: tuple[Case, ...]
    otherwise: tuple[Step, ...]

    @classmethod
    def build(cls, id: str, value: Any) -> "Decide":
        return cls(id=id, cases=tuple(Case(**case) for case in value["cases"]), otherwise=value.get("else", ()))

    @classmethod
    def nested(cls, value: object) -> Iterator[tuple[Path, object]]:
        if not isinstance(value, dict):
            return
        cases = value.get("cases")
        for index, case in enumerate(cases if isinstance(cases, list) and cases else [None]):
            yield ("cases", index, "steps"), case.get("steps") if isinstance(case, dict) else None
        yield ("else",), value.get("else")

    def branches(self) -> tuple[tuple[Step, ...], ...]:
        return (*(case.steps for case in self.cases), self.otherwise)

    def labels(self) -> tuple[str, ...]:
        return (*(str(index + 1) for index in range(len(self.cases))), "else")

    def enter(self, visit: Visit) -> Move:
        rows: list[Any] = []
        chosen = len(self.cases)
        for index, case in enumerate(self.cases):
            verdict = case.when.explain(visit.scope)
            rows.extend(_told(verdict))
            if verdict.ok:
                chosen = index
                break
        visit.note("decided", {"branch": self.labels()[chosen], "rows": msgspec.to_builtins(rows)})
        return Into(chosen)


def _told(verdict: Verdict) -> list[RowVerdict]:
    rows = verdict.rows[:MOST_ROWS_TOLD]
    return rows if verdict.decisive < MOST_ROWS_TOLD else [*rows[:-1], verdict.rows[verdict.decisive]]
