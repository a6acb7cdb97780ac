"""A way by which pushes leave the building; the worker, its limits and its retries do not care which."""

from typing import NamedTuple, Protocol

from clarion.delivery.connection import Response
from clarion.delivery.errors import BadRequest
from clarion.delivery.jobs import PushJob
from clarion.delivery.retry import Verdict
from clarion.store.records.deliveries import Delivery


class CredentialsMissing(BadRequest):
    """The site has nothing to show to the push service."""


class Answer(NamedTuple):
    """What a service answered, and what that means for the delivery."""

    response: Response
    verdict: Verdict
    one_device: bool = False
    """True if the service wants less for this one device, not less of everything."""
    patience: int = 0
    """Microseconds until it may be asked again where the answer does not say, by the service's rules."""


class Channel(Protocol):
    """A push service's protocol."""

    async def send(self, delivery: Delivery, job: PushJob, now: int) -> Answer:
        """Send a push once. Raises SendError, and KeyError for an unknown site."""
