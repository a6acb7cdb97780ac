"""What a run gets to see of the answer to a request that it waits for."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Final, NoReturn

from clarion.delivery.connection import Response
from clarion.domain.lookup import DATA_KEY
from clarion.domain.records import Scalar
from clarion.domain.templates import escapes

MOST_MEMBERS: Final = 100
LONGEST_TEXT: Final = 4000
"""Characters of a member's text; longer ones are left out."""

_LONGEST_INTEGER: Final = 20
"""Characters of a 64-bit integer with its sign; a longer one need not become a number."""


def capture(response: Response | None, secrets: Sequence[str] = ()) -> dict[str, Scalar]:
    """The scalars at the top of a JSON object that was answered, at most 100; nothing of an answer that is none.

    A member counts whose key is a legal data key and whose value is a boolean, a 64-bit integer, a finite number, or text of at most 4,000
    characters without NUL and lone surrogates. One that repeats a secret of the request is left out: what a run sees is kept.
    """
    if response is None or response.truncated:
        return {}
    try:
        answered = json.loads(response.body.decode(), parse_int=_integer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(answered, dict):
        return {}
    hidden = {form for secret in secrets for form in (secret, escapes.url(secret)) if form}
    found: dict[str, Scalar] = {}
    for key, value in _scalars(answered):
        if len(found) == MOST_MEMBERS:
            break
        if not any(form in key or form in str(value) for form in hidden):
            found[key] = value
    return found


def _scalars(members: dict[str, object]) -> Iterator[tuple[str, Scalar]]:
    for key, value in members.items():
        if DATA_KEY.fullmatch(key) and isinstance(value, str | int | float) and _fits(value):
            yield key, value


def _fits(value: Scalar) -> bool:
    if isinstance(value, str):
        return len(value) <= LONGEST_TEXT and "\0" not in value and not any("\ud800" <= character <= "\udfff" for character in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return -(2**63) <= value < 2**63


def _integer(literal: str) -> int | None:
    return int(literal) if len(literal) <= _LONGEST_INTEGER else None


def _refuse(literal: str) -> NoReturn:
    """NaN and Infinity are no JSON (RFC 8259 §6)."""
    raise ValueError(literal)
