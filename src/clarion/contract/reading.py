"""Strict reading of JSON (RFC 8259): any bytes give a value or `NotJson`."""

import json
import math
import re
from typing import Final, NoReturn

import msgspec

from clarion.contract.limits import MAX_DEPTH

UNREADABLE: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""All that msgspec raises over a body that it does not take."""


class NotJson(ValueError):
    """The bytes are no JSON text in UTF-8, or nest absurdly deep."""


class OutOfRange:
    """A number that RFC 8259 §6 lets stand but that is more than a double, or thousands of digits long; as it was written."""

    def __init__(self, literal: str) -> None:
        self.literal = literal

    @property
    def is_integer(self) -> bool:
        """Whether it was written without fraction and exponent."""
        return not any(mark in self.literal for mark in ".eE")


_decode = msgspec.json.Decoder().decode

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_NO_BRACKET = bytes(byte for byte in range(256) if byte not in b"[]{}")

_PAIRED = re.compile(r"(?:[^\\]++|\\[^u]|\\u(?![dD][89a-fA-F])|\\u[dD][89abAB]..\\u[dD][c-fC-F]..)*+", re.DOTALL)
"""A JSON text in which every escaped surrogate has its other half (RFC 8259 §8.2)."""


def read_json(body: bytes) -> object:
    """The value of a JSON text in UTF-8 without byte order mark.

    Of a repeated key the last value stays, at the first one's place. Integers keep every digit; other numbers become doubles; a number that
    is neither is an `OutOfRange`. NaN, Infinity, lone surrogates, trailing bytes and more than `MAX_DEPTH` levels raise NotJson.
    """
    try:
        value: object = _decode(body)
    except msgspec.ValidationError:
        # msgspec's only complaint about valid JSON is a number out of its range
        value = _read_out_of_range(body)
    except UNREADABLE:
        raise NotJson from None
    if _too_deep(body):
        raise NotJson
    return value


def _read_out_of_range(body: bytes) -> object:
    try:
        text = body.decode()
        value: object = json.loads(text, parse_float=_real, parse_int=_integer, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotJson from None
    if not _PAIRED.fullmatch(text):
        raise NotJson
    return value


def _real(literal: str) -> float | OutOfRange:
    number = float(literal)
    return number if math.isfinite(number) else OutOfRange(literal)


def _integer(literal: str) -> int | OutOfRange:
    try:
        return int(literal)
    except ValueError:
        return OutOfRange(literal)


def _refuse(literal: str) -> NoReturn:
    """NaN and Infinity are no JSON."""
    raise ValueError(literal)


def _too_deep(body: bytes) -> bool:
    """Whether a valid text nests deeper than `MAX_DEPTH`: its brackets are peeled off from the inside, level by level."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return False
    brackets = _STRING.sub(b"", body).translate(_ONE_KIND, _NO_BRACKET)
    for _ in range(MAX_DEPTH):
        brackets = brackets.replace(b"[]", b"")
        if not brackets:
            return False
    return True
