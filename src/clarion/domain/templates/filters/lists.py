"""Filters on lists: the segments, and what `split` gives. A single value is taken as a list of one, nothing as an empty one."""

from typing import Any

from clarion.domain.templates.limits import check_items, check_length
from clarion.domain.templates.values import is_value, to_text


def items(value: Any) -> list[Any]:
    """The items of a value."""
    if isinstance(value, list | tuple):
        return list(value)
    return [value] if is_value(value) else []


def join(value: Any, separator: Any = " ") -> str:
    texts, between = [to_text(item) for item in items(value)], to_text(separator)
    check_length(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)


def first(value: Any) -> Any:
    return next(iter(items(value)), None)


def last(value: Any) -> Any:
    return next(reversed(items(value)), None)


def reverse(value: Any) -> list[Any]:
    return items(value)[::-1]


def sort(value: Any) -> list[Any]:
    """Numbers first, then text by code point."""
    return sorted(items(value), key=_rank)


def sort_natural(value: Any) -> list[Any]:
    """By text, without regard to case."""
    return sorted(items(value), key=lambda item: to_text(item).casefold())


def uniq(value: Any) -> list[Any]:
    kept: dict[tuple[int, float, str], Any] = {}
    for item in items(value):
        kept.setdefault(_rank(item), item)
    return list(kept.values())


def compact(value: Any) -> list[Any]:
    return [item for item in items(value) if item is not None]


def concat(value: Any, more: Any) -> list[Any]:
    left, right = items(value), items(more)
    check_items(len(left) + len(right))
    return left + right


def size(value: Any) -> int:
    """Items of a list, characters of a text; 0 of anything else."""
    return len(value) if isinstance(value, str | list | tuple) else 0


def _rank(item: Any) -> tuple[int, float, str]:
    is_number = isinstance(item, int | float) and not isinstance(item, bool)
    return (0, item, "") if is_number else (1, 0, to_text(item))
