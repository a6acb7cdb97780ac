"""Durations as documents write them (`90s`, `1h30m`, `7d`) and as the core counts them: microseconds."""

import re
from typing import Final

_UNITS: Final = {
    "w": 7 * 86_400_000_000,
    "d": 86_400_000_000,
    "h": 3_600_000_000,
    "m": 60_000_000,
    "s": 1_000_000,
    "ms": 1_000,
}
_ORDER: Final = tuple(_UNITS)

MAX_DURATION: Final = 3660 * _UNITS["d"]
"""Ten years: longer is a mistake in writing."""

NO_DURATION: Final = "is no duration: write whole numbers from 0 up with w, d, h, m, s or ms, such as 90s or 1h30m"

DURATION_PATTERN: Final = "(?=.)" + "".join(f"([0-9]{{1,15}}{unit})?" for unit in _ORDER)
"""What a duration looks like, for a JSON Schema, without anchors."""

_PART = re.compile(r"([0-9]{1,15})(ms|[wdhms])")


def parse_duration(text: str) -> int:
    """Microseconds of a duration such as `1d12h`: whole numbers with `w d h m s ms`, largest unit first, each once.

    `0s` is a duration: a wait that is over at once. Raises ValueError with what is wrong.
    """
    total = 0
    position = 0
    last = -1
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            raise ValueError(NO_DURATION)
        number, unit = part.groups()
        rank = _ORDER.index(unit)
        if rank == last:
            msg = f"names the unit '{unit}' twice"
            raise ValueError(msg)
        if rank < last:
            msg = f"has '{unit}' after '{_ORDER[last]}': write the largest unit first"
            raise ValueError(msg)
        last = rank
        total += int(number) * _UNITS[unit]
        position = part.end()
    if last < 0:
        msg = "is empty: write a duration such as 90s or 1h30m"
        raise ValueError(msg)
    if total > MAX_DURATION:
        msg = "is longer than 3660d"
        raise ValueError(msg)
    return total


def format_duration(duration: int) -> str:
    """The shortest writing of so many microseconds in `d h m s ms`: `1d12h`, `0s`.

    Raises ValueError for a negative duration or one that is not whole milliseconds.
    """
    if duration < 0 or duration % _UNITS["ms"]:
        msg = "a duration is a whole number of milliseconds, zero or more"
        raise ValueError(msg)
    text = ""
    rest = duration
    for unit in _ORDER[1:]:
        number, rest = divmod(rest, _UNITS[unit])
        if number:
            text += f"{number}{unit}"
    return text or "0s"
