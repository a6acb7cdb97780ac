"""What a step wants done: plain data with a stable id; nothing here does anything."""

import msgspec

from clarion.domain.records import Scalar


class Effect(msgspec.Struct, frozen=True, tag_field="effect"):
    """Common to all effects."""

    id: str
    """Stable: hash of run, step and visit (design §3.5)."""
    step: str


class PushEffect(Effect, frozen=True, tag="push", omit_defaults=True):
    """A message to each active subscriber of the run's profile."""

    title: str
    message: str
    url: str
    icon: str | None = None
    image: str | None = None
    badge: str | None = None
    actions: tuple[tuple[str, str], ...] = ()
    """Up to two buttons: (title, url)."""
    tag: str | None = None
    ttl: int = 2_419_200
    """Seconds."""
    urgency: str = "normal"
    require_interaction: bool = False


class HttpEffect(Effect, frozen=True, tag="http", omit_defaults=True):
    """A request to a URL."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: str | None = None
    """JSON text."""
    awaits: bool = False
    """Whether the run waits for the outcome and what was answered."""


class EventEffect(Effect, frozen=True, tag="event", omit_defaults=True):
    """An event, for the run's own profile or another one. Its id is the event's."""

    name: str
    data: dict[str, Scalar]
    profile_id: str | None = None
    """Whom it is about; None: the run's profile."""
    workflow: str | None = None
    """The workflow that it is to start, and no other to hear of it."""


class StopEffect(Effect, frozen=True, tag="stop"):
    """The profile's other runs of a workflow end."""

    workflow: str
