"""What fields can hold, where that is known before any run: a condition that asks for anything else never holds."""

import re
from typing import Final

import msgspec

from clarion.domain.records import Scalar

RUN_ID: Final = "[0-9a-f]{32}"


class Possible(msgspec.Struct, frozen=True):
    """The values that a field can hold."""

    kinds: tuple[type, ...] = (str, int, float, bool)
    values: tuple[Scalar, ...] | None = None
    """All of them; None: any of these kinds."""
    pattern: str | None = None
    """That each of them matches."""
    missing: bool = True
    """Whether it may hold nothing."""
    says: str = "a text, a number, true or false"
    """The same for a message, behind "is"."""

    def holds(self, value: Scalar) -> bool:
        """Whether a value is among them."""
        if type(value) not in self.kinds or (self.values is not None and value not in self.values):
            return False
        return self.pattern is None or (isinstance(value, str) and re.fullmatch(self.pattern, value) is not None)


ANYTHING: Final = Possible()
TEXT: Final = Possible(kinds=(str,), says="text")
NUMBER: Final = Possible(kinds=(int, float), says="a number")
_USUAL: Final = {"run.key": TEXT, "profile.id": TEXT}


def usual(field: str) -> Possible:
    """What a field holds wherever it stands."""
    return _USUAL.get(field, ANYTHING)


def one_of(*words: str) -> Possible:
    """One of a few words, or nothing."""
    return Possible(kinds=(str,), values=words, says=f"{', '.join(words[:-1])} or {words[-1]}")


def of_receipt(field: str, step: str) -> Possible | None:
    """What a field of the event holds in a receipt for a push of this run; None where that is not known."""
    if field == "event.step":
        return Possible(kinds=(str,), values=(step,), missing=False, says="the step that 'of' names")
    if field == "event.run":
        return Possible(kinds=(str,), pattern=RUN_ID, missing=False, says="the id of the run, since there is an 'of'")
    return None
