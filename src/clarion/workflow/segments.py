"""The condition of a dynamic segment: read as in a document, but with nothing to look at but the person (semantics §5)."""

from collections.abc import Iterator
from typing import Any

from clarion.domain.conditions import Condition, parse_condition
from clarion.domain.problems import Path, Problem
from clarion.workflow.excluding import Row
from clarion.workflow.vain import vain_rows

_EVENTS = "a segment is about people, not about events or runs: use profile, segments or subscriber"


def read_segment_condition(segment: str, value: object, path: Path = ("condition",)) -> tuple[Condition | None, list[Problem]]:
    """The condition of a dynamic segment, which stands at `path`: the condition and no problem, or None and every problem.

    It may name fields of the profile and of the subscriber, and other segments, but not itself.
    """
    condition, problems = parse_condition(value, path, (), _refused)

    def is_sound(row: Row) -> bool:
        return condition is not None or parse_condition(row, (), (), _refused)[0] is not None

    problems.extend(vain_rows(value, path, is_sound=is_sound))
    if condition is not None:
        problems.extend(Problem(place, "a segment cannot depend on itself") for place in _rows_on(segment, value, path))
    return (None, problems) if problems else (condition, [])


def segments_named(value: object) -> frozenset[str] | None:
    """The segments that a sound condition looks for; None: any, because it asks whether there are some, or a field says which."""
    found: set[str] = set()
    for _, row in _segment_rows(value, ()):
        named = row.get("value")
        if named is None or isinstance(named, dict):
            return None
        found.update(name for name in (named if isinstance(named, list) else [named]) if isinstance(name, str))
    return frozenset(found)


def _refused(field: str) -> str | None:
    return None if field == "segments" or field.partition(".")[0] in ("profile", "subscriber") else _EVENTS


def _rows_on(segment: str, value: object, path: Path) -> Iterator[Path]:
    for place, row in _segment_rows(value, path):
        named = row.get("value")
        if segment in (named if isinstance(named, list) else [named]):
            yield (*place, "value")


def _segment_rows(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Rows about `segments`, with their places in a sound condition."""
    if "field" in value:
        if value["field"] == "segments":
            yield path, value
        return
    for name, inner in value.items():
        if name == "not":
            yield from _segment_rows(inner, (*path, name))
            continue
        for index, part in enumerate(inner):
            yield from _segment_rows(part, (*path, name, index))
