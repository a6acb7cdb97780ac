"""One line of the judgement of a run."""

import msgspec


class Verdict(msgspec.Struct, frozen=True):
    """Something measured beside what is wanted."""

    what: str
    measured: str
    wanted: str
    met: bool
    required: bool = False
    """A run that misses it has failed; the others are aims."""
