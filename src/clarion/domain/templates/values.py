"""Values as templates print them."""

from typing import Any, Final

from clarion.domain.templates.errors import TemplateFailure

_DIGITS: Final = 10**4300
"""Python refuses to print longer numbers."""


def to_text(value: Any) -> str:
    """A value as text: numbers and booleans as in JSON, several values with commas; what is no value is empty."""
    kind = value.__class__
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        if not -_DIGITS < value < _DIGITS:
            msg = "a number has too many digits"
            raise TemplateFailure(msg)
        return str(value)
    if kind is float:
        return repr(value)
    if isinstance(value, list | tuple):
        return ", ".join(to_text(item) for item in value)
    return str.__str__(value) if isinstance(value, str) else ""


def is_value(value: Any) -> bool:
    """Whether there is something to print: not missing, and no empty text or list. `false` and `0` are values."""
    return isinstance(value, bool | int | float) or (isinstance(value, str | list | tuple) and len(value) > 0)
