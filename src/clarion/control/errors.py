"""Why an operation was not done."""


class Invalid(Exception):
    """An argument cannot be taken; nothing was changed.

    `path` names the argument as on the wire, `message` says what is wrong and what to do, in one line.
    """

    def __init__(self, path: str, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message


class Conflict(Exception):
    """It cannot be done as things stand; nothing was changed. The message says what stands in the way and what to do, in one line."""
