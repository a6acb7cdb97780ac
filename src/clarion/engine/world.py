"""What a simulation starts from and what happens in it: one profile with its subscribers, how requests are answered, timed inputs."""

from typing import Final

import msgspec

from clarion.domain.records import Scalar
from clarion.store.records.states import SiteState

SITE: Final = 1


class Answer(msgspec.Struct, frozen=True):
    """How the deliveries of a step end."""

    outcome: str = "sent"
    """sent, failed, expired; of a push also gone."""
    status: int | None = None
    response: dict[str, Scalar] = {}
    """Of a request: scalars of the JSON object that answers it."""
    after: int = 0
    """How long that takes, in microseconds."""


class Known(msgspec.Struct, frozen=True):
    """A subscriber that is there from the start."""

    facts: dict[str, Scalar] = {}
    created: int | None = None
    """UTC microseconds; None: at the start."""


class World(msgspec.Struct, frozen=True):
    """What is there before anything happens."""

    starts: int
    """UTC microseconds of the virtual clock."""
    site: SiteState = SiteState(SITE, "UTC")
    profile_id: str = "customer"
    attributes: dict[str, Scalar] = {}
    segments: tuple[str, ...] = ()
    subscribers: tuple[Known, ...] = (Known(),)
    """Of the profile, the most recently active one first."""
    answers: dict[str, Answer] = {}
    """By step, as `step` or `workflow/step`; what is not here is sent, a request answered with 200 and an empty object."""

    def answer(self, kind: str, workflow: str, step: str) -> Answer:
        """How a push or a request of a step ends."""
        found = self.answers.get(f"{workflow}/{step}") or self.answers.get(step) or Answer()
        if found.status is None and found.outcome == "sent":
            return msgspec.structs.replace(found, status=201 if kind == "push" else 200)
        return found


class Given(msgspec.Struct, frozen=True):
    """An input at a time."""

    at: int
    """UTC microseconds."""


class Happened(Given, frozen=True):
    """An event."""

    event: str
    data: dict[str, Scalar] = {}
    profile_id: str | None = None
    """None: the simulation's own profile."""
    timestamp: int | None = None
    """When it happened by the sender's account, UTC microseconds."""


class Reacted(Given, frozen=True):
    """What the person did with the latest push of a step."""

    receipt: str
    """viewed, clicked, closed."""
    step: str
    """`step`, or `workflow/step`."""
    action: int | None = None
    """Which button was clicked, from 0; None for the notification itself."""


class Subscribed(Given, frozen=True):
    """The profile gets another subscriber."""

    facts: dict[str, Scalar] = {}
    attributes: dict[str, Scalar] = {}
    """Of the profile: what is sent along."""
