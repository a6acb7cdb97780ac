"""How a command fails: one line that says what is wrong and what to do, and an exit code."""

from typing import Final

FAILED: Final = 1
USAGE: Final = 2
INTERRUPTED: Final = 130


class Failure(Exception):
    """The command failed. Each of `lines` tells the operator one thing that is wrong, the last one what to do."""

    code = FAILED

    def __init__(self, *lines: str) -> None:
        super().__init__("; ".join(lines))
        self.lines = lines


class WrongUsage(Failure):
    """The command was called in a way it cannot be; nothing was done."""

    code = USAGE


def describe(error: Exception) -> tuple[str, ...]:
    """A line for each thing that is wrong where the operator can do something about an error; nothing for one that nobody foresaw."""
    if isinstance(error, Failure):
        return error.lines
    from clarion.config import ConfigError
    from clarion.contract.errors import Refusal
    from clarion.control.errors import Conflict, Invalid
    from clarion.serve_lock import AlreadyServed, LockUnavailable
    from clarion.store import port
    from clarion.vault import VaultError
    from clarion.workflow.source import DocumentInvalid

    if isinstance(error, Refusal):
        *lines, last = [detail.message for detail in error.details] or [error.message.rstrip(".")]
        return (*lines, f"{last} — correct it and try again")
    if isinstance(error, DocumentInvalid):
        return tuple(map(str, error.problems))
    if isinstance(error, AlreadyServed | LockUnavailable | ConfigError | Conflict | Invalid | VaultError):
        return (str(error),)
    if isinstance(error, port.NotFound | port.StoreOutdated | port.StoreTooNew):
        return (str(error),)
    if isinstance(error, port.StoreError) and " — " in str(error):
        return (str(error),)  # it says itself what to do
    if isinstance(error, port.StoreUnavailable):
        return (f"{str(error).rstrip('.')} — try again, and run: clarion doctor",)
    return (f"{str(error).rstrip('.')} — run: clarion doctor",) if isinstance(error, port.StoreError) else ()
