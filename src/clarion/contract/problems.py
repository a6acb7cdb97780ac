"""Collecting all that is wrong with a request, up to the number that is reported."""

from clarion.contract.errors import Detail, invalid
from clarion.contract.limits import MAX_DETAILS


class Problems:
    """The problems found so far, in the order in which they are reported."""

    def __init__(self) -> None:
        self.details: list[Detail] = []

    @property
    def full(self) -> bool:
        """Whether further problems would not be reported."""
        return len(self.details) >= MAX_DETAILS

    def add(self, message: str, *path: str) -> None:
        """Note a problem of the field at `path`."""
        if not self.full:
            self.details.append(Detail(message, path))

    def refuse(self) -> None:
        """Raise a Refusal (400) that names the problems, if there are any."""
        if self.details:
            raise invalid(*self.details)
