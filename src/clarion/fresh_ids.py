"""New ids for what comes from outside: unique, 32 hexadecimal characters, in order of time."""

import itertools
import os
import secrets
import time
from collections.abc import Iterator


def fresh_id() -> str:
    """A UUID of version 7 (RFC 9562 §5.7) without its dashes.

    48 bits of milliseconds, then 73 bits that are drawn once per process and counted up (§6.2, method 2), so that no process gives an id
    twice, not even when the clock is set back, and ids of one process sort in the order in which they were given.
    """
    return f"{time.time_ns() // 1_000_000:012x}{_head}{next(_tail):016x}"


_head: str
_tail: Iterator[int]


def _draw() -> None:
    """Draw this process's place among all ids; a forked child has to draw its own."""
    global _head, _tail  # noqa: PLW0603 - one counter per process is the point
    _head = f"7{secrets.randbits(12):03x}"
    # The two highest bits are the variant (RFC 9562 §4.1); the next starts as 0, which leaves 2**61 ids before the counter meets them.
    _tail = itertools.count((0b10 << 62) | secrets.randbits(61))


_draw()
os.register_at_fork(after_in_child=_draw)
