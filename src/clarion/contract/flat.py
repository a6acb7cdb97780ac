"""Rules for flat key-value objects: an event's `data`, a profile's `attributes`."""

import math
import re
from typing import Final

import msgspec

from clarion.contract.limits import FLAT_BYTES, KEY_CHARACTERS, KEY_PATTERN
from clarion.contract.problems import Problems
from clarion.contract.reading import OutOfRange
from clarion.contract.text import nul_problem

EMPTY: Final = b"{}"

is_key = re.compile(KEY_PATTERN, re.ASCII).fullmatch


def _as_written(value: object) -> msgspec.Raw:
    """`OutOfRange` counts with the digits that were sent."""
    if isinstance(value, OutOfRange):
        return msgspec.Raw(value.literal.encode())
    raise TypeError(f"{type(value).__name__} is no JSON value")


encode_flat = msgspec.json.Encoder(enc_hook=_as_written).encode
"""Compact UTF-8 JSON. Integers keep every digit; other numbers are written as the shortest text that reads back as the same double."""


def read_flat(problems: Problems, value: object, field: str, entry: str) -> bytes:
    """A flat object re-encoded as compact JSON; null counts as absent, absent as empty.

    `field` names the object in messages and paths, `entry` one of its entries in messages. What is wrong goes to `problems`: first of the
    whole, then of its entries in order, at most one each. The bytes mean something only when nothing was wrong.
    """
    if value is None:
        return EMPTY
    if not isinstance(value, dict):
        problems.add(f"{field} must be an object", field)
        return EMPTY
    encoded = encode_flat(value)
    if len(encoded) > FLAT_BYTES:
        problems.add(f"{field} must be at most {FLAT_BYTES} bytes", field)
    for key, item in value.items():
        problem = _key_problem(entry, key) or _value_problem(entry, item)
        if problem is not None:
            problems.add(problem, field, key)
            if problems.full:
                break
    return encoded


def _key_problem(entry: str, key: str) -> str | None:
    if len(key) > KEY_CHARACTERS:
        return f"{entry} keys must be at most {KEY_CHARACTERS} characters"
    if not is_key(key):
        return f"{entry} keys must start with a letter or digit and contain only letters, digits, hyphens and underscores"
    return None


def _value_problem(entry: str, value: object) -> str | None:
    if isinstance(value, str):
        return nul_problem(f"{entry} values", value)
    if isinstance(value, float):
        flat = math.isfinite(value)
    elif isinstance(value, OutOfRange):
        flat = value.is_integer
    else:
        flat = isinstance(value, int)
    return None if flat else f"{entry} values must be a string, number, boolean or ISO 8601 date"
