"""What is wrong with where a registration points, as far as the pure contract cannot see it."""

from clarion.contract.errors import Detail
from clarion.contract.subscriber import SubscriberRequest
from clarion.delivery.guard import PushAllowList
from clarion.delivery.webpush import BadSubscription, check_subscription
from clarion.domain.records import WEBPUSH


def address_problems(given: SubscriberRequest, allowed: PushAllowList) -> list[Detail]:
    """Of a browser's subscription: its push service is not allowed, or its key is no point of the curve (RFC 8291 §3.1)."""
    if given.provider != WEBPUSH:
        return []
    details = []
    refused = allowed.refuses(given.endpoint)
    if refused is not None:
        details.append(Detail(f"endpoint is not allowed: {refused}", ("subscription", "endpoint")))
    try:
        check_subscription(given.p256dh, given.auth)
    except BadSubscription as error:
        details.append(Detail(str(error), ("subscription", "keys", "p256dh")))
    return details
