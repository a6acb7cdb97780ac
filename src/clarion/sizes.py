"""Sizes in bytes as settings write them: `512MiB`, `1GiB`."""

import re
from typing import Final

_UNITS: Final = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
"""IEC 80000-13: the units of 1024, written so that nobody has to guess."""
_SIZE = re.compile(r"([0-9]{1,15})(B|KiB|MiB|GiB|TiB)")

MIB: Final = _UNITS["MiB"]

MAX_SIZE: Final = 2**60
"""More than any database has: it is a mistake in writing."""


def parse_size(text: str) -> int:
    """Bytes of a size: a whole number and a unit of 1024. Raises ValueError with what is wrong."""
    found = _SIZE.fullmatch(text)
    if found is None:
        raise ValueError("is no size: write a whole number with B, KiB, MiB, GiB or TiB, such as 512MiB")
    size = int(found[1]) * _UNITS[found[2]]
    if size > MAX_SIZE:
        raise ValueError("is larger than 1048576TiB")
    return size


def format_size(size: int) -> str:
    """A size for people to read, rounded down to a tenth: `511.9 MiB`."""
    unit = max((name for name, bytes_of in _UNITS.items() if size >= bytes_of), key=_UNITS.__getitem__, default="B")
    if unit == "B":
        return f"{size} B"
    whole, tenths = divmod(size * 10 // _UNITS[unit], 10)
    return f"{whole}.{tenths} {unit}" if tenths else f"{whole} {unit}"
