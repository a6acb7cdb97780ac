"""Places in a person's timeline: where one page ends and the next begins."""

import re
from typing import Final

import msgspec

from clarion.control.errors import Invalid

UNEXPLAINED: Final = 0
"""Of one instant, events that are not explained come first,"""
EXPLAINED: Final = 1
"""then what is explained,"""
DELIVERED: Final = 2
"""then deliveries."""

_TEXT: Final = re.compile(r"([0-9]{1,19})\.([0-2])\.([0-9]{1,19})")
_LARGEST: Final = 2**63 - 1


class Place(msgspec.Struct, frozen=True, order=True):
    """One place, in the order of time; no two inputs of a person share one."""

    at: int
    group: int
    number: int
    """In the log, or among the explanations; of no meaning for deliveries, of which all of one instant share a page."""

    @property
    def text(self) -> str:
        """For whoever asks for what stands before it."""
        return f"{self.at}.{self.group}.{self.number}"

    @property
    def explanation(self) -> tuple[int, int]:
        """(at, sequence) before which the explanations stand that stand before it."""
        return self.at, 0 if self.group == UNEXPLAINED else self.number if self.group == EXPLAINED else _LARGEST


def read_place(text: str) -> Place:
    """A place from its text. Raises Invalid."""
    found = _TEXT.fullmatch(text)
    numbers = [int(part) for part in found.groups()] if found else []
    if not numbers or max(numbers) > _LARGEST:
        raise Invalid("before", "before must be the text that the page before this one ended with")
    return Place(*numbers)
