"""Conditions made ready (semantics §3): trees of `all`, `any` and `not` over rows, ready to be tested and explained."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from clarion.domain.lookup import Finder
from clarion.domain.operators import Operator
from clarion.domain.problems import Path
from clarion.domain.records import MISSING, Scope
from clarion.domain.verdicts import RowVerdict, Verdict, shown

Test = Callable[[Scope], bool]


class Node(Protocol):
    """A part of a condition."""

    test: Test
    is_timed: bool
    """Whether anything in it looks at the time."""

    def next_flip(self, scope: Scope) -> int | None:
        """As of a `Condition`."""

    def judge(self, scope: Scope, rows: list[RowVerdict]) -> tuple[bool, int]:
        """The outcome, and which of `rows`, to which it adds those it looked at, brought it about."""


class Condition:
    """A condition that was found sound; immutable."""

    __slots__ = ("_root", "_test", "fields", "ops")

    def __init__(self, root: Node, fields: frozenset[str], ops: frozenset[str] = frozenset()) -> None:
        self._root = root
        self._test = root.test
        self.fields = fields
        """Every field that it looks at."""
        self.ops = ops
        """Every op that it uses."""

    @property
    def is_timed(self) -> bool:
        """Whether it may turn out otherwise because time passes, and nothing else."""
        return self._root.is_timed

    def next_flip(self, scope: Scope) -> int | None:
        """The first instant after the scope's at which it may turn out otherwise because time has passed; None: there is none.

        Before that instant it holds, or does not, as it does now, as long as everything else in the scope stays as it is.
        """
        return self._root.next_flip(scope)

    def evaluate(self, scope: Scope) -> bool:
        """Whether the condition holds."""
        return self._test(scope)

    def explain(self, scope: Scope) -> Verdict:
        """Whether the condition holds, and why; `ok` is always what `evaluate` answers."""
        rows: list[RowVerdict] = []
        ok, decisive = self._root.judge(scope, rows)
        return Verdict(ok, rows, decisive)


class Row:
    """`{field, op, value}`."""

    __slots__ = ("_compared", "_expected", "_field", "_find", "_name", "_operator", "_other", "_path", "_shown", "is_timed", "test")

    def __init__(
        self,
        path: Path,
        field: tuple[str, Finder],
        operator: tuple[str, Operator],
        value: tuple[Any, Any] | None,
        other: tuple[str, Finder] | None,
    ) -> None:
        """`value` is the prepared value and the document's own; `other` the field to compare with, in its place."""
        self._path = path
        self._field, self._find = field
        self._name, self._operator = operator
        self._expected: Any = None if value is None else value[0]
        self._shown = None if value is None else shown(value[1])
        self._compared = None if other is None else other[0]
        self._other = None if other is None else other[1]
        self.test: Test = self._literal_test() if self._other is None else self._field_test(self._other)
        self.is_timed = self._operator.flip is not None

    def _literal_test(self) -> Test:
        find, compare, expected, missing = self._find, self._operator.compare, self._expected, self._operator.missing

        def test(scope: Scope) -> bool:
            found = find(scope)
            return missing if found is MISSING else compare(found, expected, scope)

        return test

    def _field_test(self, other: Finder) -> Test:
        find, compare, missing = self._find, self._operator.compare, self._operator.missing

        def test(scope: Scope) -> bool:
            found, expected = find(scope), other(scope)
            return missing if found is MISSING or expected is MISSING else compare(found, expected, scope)

        return test

    def next_flip(self, scope: Scope) -> int | None:
        flip = self._operator.flip
        if flip is None:
            return None
        found = self._find(scope)
        return None if found is MISSING else flip(found, self._expected, scope)

    def judge(self, scope: Scope, rows: list[RowVerdict]) -> tuple[bool, int]:
        ok = self.test(scope)
        expected = self._shown if self._other is None else shown(self._other(scope))
        rows.append(RowVerdict(self._path, self._field, self._name, expected, shown(self._find(scope)), ok, self._compared))
        return ok, len(rows) - 1


class Group:
    """`all` or `any`: looks at its parts in order until the outcome is certain."""

    __slots__ = ("_decides", "_parts", "_timed", "is_timed", "test")

    def __init__(self, parts: Sequence[Node], *, decides: bool) -> None:
        """`decides` is the outcome of a part that settles the group: False for `all`, True for `any`."""
        self._parts = tuple(parts)
        self._timed = tuple(part for part in parts if part.is_timed)
        self.is_timed = bool(self._timed)
        self._decides = decides
        tests = tuple(part.test for part in parts)

        def test_all(scope: Scope) -> bool:
            for test in tests:  # noqa: SIM110  # a generator inside all() costs twice as much
                if not test(scope):
                    return False
            return True

        def test_any(scope: Scope) -> bool:
            for test in tests:  # noqa: SIM110  # as above
                if test(scope):
                    return True
            return False

        self.test: Test = test_any if decides else test_all

    def next_flip(self, scope: Scope) -> int | None:
        return min((at for part in self._timed if (at := part.next_flip(scope)) is not None), default=None)

    def judge(self, scope: Scope, rows: list[RowVerdict]) -> tuple[bool, int]:
        first = -1
        for part in self._parts:
            ok, decisive = part.judge(scope, rows)
            if ok is self._decides:
                return ok, decisive
            first = decisive if first < 0 else first
        return not self._decides, first


class Not:
    """`not`: the opposite of its part."""

    __slots__ = ("_part", "is_timed", "test")

    def __init__(self, part: Node) -> None:
        self._part = part
        inner = part.test
        self.test: Test = lambda scope: not inner(scope)
        self.is_timed = part.is_timed

    def next_flip(self, scope: Scope) -> int | None:
        return self._part.next_flip(scope)

    def judge(self, scope: Scope, rows: list[RowVerdict]) -> tuple[bool, int]:
        ok, decisive = self._part.judge(scope, rows)
        return not ok, decisive
