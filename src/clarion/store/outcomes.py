"""Deliveries that have ended, and what the engine is told of them: the same on every engine of the store."""

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from clarion.domain.ids import caused_event_id, partition_of
from clarion.domain.records import Scalar
from clarion.store.records.bodies import DeliveryOutcome
from clarion.store.records.deliveries import Delivery, Report

STALE: Final = "stale"
GONE: Final = "gone"


class _Sent(msgspec.Struct):
    """What a push's job says of where it went."""

    endpoint: str | None = None


_decode_sent = msgspec.json.Decoder(_Sent).decode


class Ended(msgspec.Struct, frozen=True):
    """A delivery that has ended."""

    delivery: Delivery
    """With all its attempts."""
    at: int
    told: DeliveryOutcome
    """Body of the OUTCOME entry."""

    @property
    def entry(self) -> str:
        """Id of the OUTCOME entry."""
        return caused_event_id(self.delivery.id, "outcome", 0)

    def home(self, partitions: int) -> int:
        """Whose inbox the OUTCOME entry goes to: of a push its subscriber's home, else where the delivery is (design §3.7)."""
        one = self.delivery
        if one.kind == "push" and one.subscriber is not None:
            return partition_of(one.site, one.subscriber, partitions)
        return one.partition


def settled(reports: Iterable[Report]) -> tuple[list[Ended], list[Report]]:
    """What has ended, and the reports of what is to be tried again: one of each delivery, the last; but what has ended stays ended."""
    latest: dict[str, Report] = {}
    for one in reports:
        known = latest.get(one.delivery.id)
        if known is None or known.outcome is None:
            latest[one.delivery.id] = one
    over = [
        ended(one.delivery, one.outcome, one.at, one.status, one.reason, one.response) for one in latest.values() if one.outcome is not None
    ]
    return over, [one for one in latest.values() if one.outcome is None]


def ended(
    delivery: Delivery,
    outcome: str,
    at: int,
    status: int | None = None,
    reason: str | None = None,
    response: Mapping[str, Scalar] | None = None,
) -> Ended:
    """A delivery's end; `status`, `reason` and `response` are those of its last attempt."""
    told = DeliveryOutcome(
        delivery=delivery.id,
        effect=delivery.effect,
        run=delivery.run,
        workflow=delivery.workflow,
        step=delivery.step,
        kind=delivery.kind,
        outcome=outcome,
        profile=delivery.profile,
        subscriber=delivery.subscriber,
        status=status,
        reason=reason,
        hops=delivery.hops,
        version=delivery.version,
        response=None if response is None else dict(response),
        endpoint=_endpoint(delivery) if outcome == GONE else None,
    )
    return Ended(delivery, at, told)


def _endpoint(delivery: Delivery) -> str | None:
    try:
        return _decode_sent(delivery.job).endpoint
    except msgspec.MsgspecError:  # a job that could not be read could not be sent either
        return None
