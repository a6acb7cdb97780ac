"""What one rendering may use. Work is counted in units: a node, a look-up or a filter is one, and so are 64 characters handled."""

from typing import Any, Final

from clarion.domain.templates.errors import TemplateLimit

MOST_OUTPUT: Final = 64 * 1024
"""Bytes of the output in UTF-8; characters of any text made on the way."""

MOST_ITEMS: Final = 1000
"""Items of a list or turns of a loop."""

MOST_WORK: Final = 40_000
LARGEST_NUMBER: Final = 10**100


def check_output(text: str) -> str:
    """The text, if it is no longer than an output may be; raises TemplateLimit."""
    if len(text) * 4 > MOST_OUTPUT and len(text.encode()) > MOST_OUTPUT:
        msg = f"the output is longer than {MOST_OUTPUT} bytes"
        raise TemplateLimit(msg)
    return text


def check_length(length: int) -> None:
    """Raise TemplateLimit if a text of so many characters may not be made."""
    if length > MOST_OUTPUT:
        msg = f"a text is longer than {MOST_OUTPUT} characters"
        raise TemplateLimit(msg)


def check_items(count: int) -> None:
    """Raise TemplateLimit if a list of so many items may not be made."""
    if count > MOST_ITEMS:
        msg = f"a list or a loop has more than {MOST_ITEMS} items"
        raise TemplateLimit(msg)


def check_value(value: Any) -> Any:
    """A filter's outcome, if it may be that large; raises TemplateLimit."""
    if isinstance(value, str):
        check_length(len(value))
    elif isinstance(value, list | tuple):
        check_items(len(value))
    elif isinstance(value, int | float) and not -LARGEST_NUMBER < value < LARGEST_NUMBER:
        msg = "a number has more than 100 digits"
        raise TemplateLimit(msg)
    return value


def work_of(value: Any) -> int:
    """Units of work that handling a value takes."""
    if isinstance(value, str):
        return 1 + len(value) // 64
    if isinstance(value, list | tuple):
        return 1 + sum(work_of(item) for item in value)
    return 1
