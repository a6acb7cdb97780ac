"""What a check finds."""

from collections.abc import Callable
from typing import Literal

import msgspec

from clarion.cli.failures import describe
from clarion.cli.invocation import as_invoked
from clarion.cli.output import View

Status = Literal["ok", "warning", "failed"]


class Finding(msgspec.Struct, frozen=True):
    """What one check found, and what to do about it where that is not nothing."""

    check: str
    status: Status
    detail: str
    advice: str = ""

    def view(self) -> View:
        """As JSON shows it."""
        return {**msgspec.structs.asdict(self), "advice": as_invoked(self.advice)}


def broken(check: str, error: Exception) -> Finding:
    """A check that could not be made."""
    line = "; ".join(describe(error)) or f"{type(error).__name__}: {error}"
    detail, _, advice = line.partition(" — ")
    return Finding(check, "failed", detail, advice)


def guarded(check: str, examine: Callable[[], Finding]) -> Finding:
    """What `examine` finds, or that it could not."""
    try:
        return examine()
    except Exception as error:  # noqa: BLE001 - one check that breaks must not hide the others
        return broken(check, error)
