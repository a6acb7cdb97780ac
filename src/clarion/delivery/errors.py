"""Why a delivery could not be sent, as the operator reads it."""

from typing import ClassVar


class SendError(Exception):
    """An attempt got no usable answer. `reason` is short, for people, and holds neither address details of the URL nor secrets."""

    permanent: ClassVar[bool] = False
    """True: trying again cannot help."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Blocked(SendError):
    """The guard refuses the URL or every address that it resolves to."""

    permanent = True


class BadRequest(SendError):
    """The request cannot be written down: a header with a line break, a body over a limit, a key that is no key."""

    permanent = True


class SecretNotSet(BadRequest):
    """The request needs a secret that the site does not have."""


class ConnectFailed(SendError):
    """The name did not resolve, nobody listens, or TLS failed."""


class TimedOut(SendError):
    """The connection or the answer took too long."""


class BadResponse(SendError):
    """What came back is not a whole HTTP/1.1 response within the limits."""
