"""`POST /api/v1/subscribers`: a browser's push subscription becomes a subscriber."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from clarion.api.context import answer, context, taker
from clarion.contract.content_type import is_json
from clarion.contract.errors import Detail, invalid, wrong_content_type
from clarion.contract.subscriber import SubscriberRequest, read_subscriber
from clarion.delivery.guard import PushAllowList
from clarion.delivery.webpush import BadSubscription, check_subscription
from clarion.domain.ids import partition_of
from clarion.store.records.bodies import SubscriberPut
from clarion.store.records.entries import EntryKind, NewEntry


async def add_subscriber(request: Request) -> Response:
    """Register a subscription; the same one again gives the same `device_token_hash`."""
    site = taker(request)
    content_type = request.headers.get("content-type")
    if not is_json(None if content_type is None else content_type.encode("latin-1")):
        raise wrong_content_type()
    given = read_subscriber(await request.body())
    shared = context(request)
    _check(given, shared.push_hosts)
    hashed = shared.directory.device_token_hash(site.id, given.endpoint)
    put = SubscriberPut(
        hashed,
        given.endpoint,
        given.p256dh,
        given.auth,
        given.profile_id,
        dict(given.attributes),
        dict(given.facts),
    )
    entry = NewEntry(
        EntryKind.SUBSCRIBER,
        site.id,
        shared.new_id(),
        msgspec.json.encode(put),
        shared.clock(),
        partition_of(site.id, hashed, shared.store.partitions),
    )
    await shared.store.append([entry])
    return answer({"device_token_hash": hashed})


def _check(given: SubscriberRequest, allowed: PushAllowList) -> None:
    """What the pure contract cannot see. Raises Refusal (400)."""
    details = []
    refused = allowed.refuses(given.endpoint)
    if refused is not None:
        details.append(Detail(f"endpoint is not allowed: {refused}", ("subscription", "endpoint")))
    try:
        check_subscription(given.p256dh, given.auth)
    except BadSubscription as error:
        details.append(Detail(str(error), ("subscription", "keys", "p256dh")))
    if details:
        raise invalid(*details)
