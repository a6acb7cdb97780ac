"""What a push shows, read from the payload that a service worker would get."""

import msgspec

from clarion.delivery.errors import BadRequest
from clarion.delivery.jobs import PushJob


class Action(msgspec.Struct, frozen=True):
    """A button."""

    title: str
    url: str


class Shown(msgspec.Struct, frozen=True):
    """A notification."""

    title: str
    message: str = ""
    url: str | None = None
    tag: str | None = None
    icon: str | None = None
    image: str | None = None
    actions: tuple[Action, ...] = ()


_decode = msgspec.json.Decoder(Shown).decode


def read_shown(job: PushJob) -> Shown:
    """What to show. Raises BadRequest for a payload that is no notification."""
    try:
        return _decode(job.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise BadRequest("the payload is not a notification") from None
