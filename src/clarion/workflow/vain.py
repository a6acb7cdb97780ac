"""Conditions that can never hold, whatever comes: found while a document is read, before anybody waits for them in vain."""

from collections.abc import Callable, Iterator
from typing import Any

from clarion.domain.conditions import MOST_DEPTH, MOST_NODES
from clarion.domain.problems import Path, Problem
from clarion.workflow.excluding import Asked, Row, exclude, row_problem
from clarion.workflow.possible import Possible, usual


def vain_rows(
    condition: object,
    path: Path,
    possible: Callable[[str], Possible] = usual,
    is_sound: Callable[[Row], bool] = lambda _: True,
) -> Iterator[Problem]:
    """What can never hold in a condition: a row, or several about one field that `all` have to hold.

    `possible` says what a field can hold. Rows that are not sound are passed over.
    """
    return _Search(possible, is_sound).look(condition, path, 1)


class _Search:
    def __init__(self, possible: Callable[[str], Possible], is_sound: Callable[[Row], bool]) -> None:
        self._possible = possible
        self._is_sound = is_sound
        self._left = MOST_NODES

    def look(self, condition: object, path: Path, depth: int) -> Iterator[Problem]:
        together = _Together()
        self._gather(condition, path, depth, together)
        for field, asked in together.rows.items():
            yield from self._problems(field, asked)
        for other, place, level in together.others:
            yield from self.look(other, place, level)

    def _problems(self, field: str, asked: list[Asked]) -> Iterator[Problem]:
        """What is wrong with rows about one field that all have to hold."""
        possible = self._possible(field)
        rest: list[Asked] = []
        for one in asked:
            problem = row_problem(one.row, possible)
            alone = problem is None and exclude(field, [one], possible)
            if problem is None and not alone:
                rest.append(one)
            elif not one.negated:
                yield Problem((*one.place, "op"), problem) if problem else Problem(one.place, _never(field, possible))
            elif alone:
                yield Problem(one.place, "can never hold: what it excludes is always so")
        if rest and exclude(field, rest, possible):
            meets = "segments meet this and what else is asked of them"
            if field != "segments":
                meets = f"{field} meets this and what else is asked of it"
            yield Problem(rest[-1].place, f"can never hold: no {meets}")

    def _gather(self, part: object, path: Path, depth: int, together: "_Together") -> None:
        """The rows that hold together, through `all` in `all`; and the other parts, each of which stands for itself."""
        self._left -= 1
        if self._left < 0 or depth > MOST_DEPTH or not isinstance(part, dict):
            return
        name, inner = next(iter(part.items())) if len(part) == 1 else (None, None)
        if name in ("all", "any") and isinstance(inner, list):
            for index, one in enumerate(inner[:MOST_NODES]):
                place = (*path, name, index)
                if name == "all" or len(inner) == 1:
                    self._gather(one, place, depth + 1, together)
                else:
                    together.others.append((one, place, depth + 1))
        elif name == "not" and isinstance(inner, dict) and inner.keys() == {"not"}:
            self._gather(inner["not"], (*path, "not", "not"), depth + 2, together)
        elif name == "not":
            together.others.append((inner, (*path, "not"), depth + 1))
            if isinstance(inner, dict) and len(inner) > 1 and self._is_sound(inner):
                together.add(Asked((*path, "not"), inner, negated=True))
        elif self._is_sound(part):
            together.add(Asked(path, part))


class _Together:
    """Parts of a condition that all have to hold."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Asked]] = {}
        """By the field that they are about."""
        self.others: list[tuple[Any, Path, int]] = []
        """Each with where it stands and how deep."""

    def add(self, asked: Asked) -> None:
        self.rows.setdefault(asked.row["field"], []).append(asked)


def _never(field: str, possible: Possible) -> str:
    if field == "segments":
        return "can never hold: no segments meet this"
    return f"can never hold: {field} is {possible.says}"
