"""Pushes to browsers (RFC 8030), over pooled connections."""

from clarion.delivery.channel import Answer
from clarion.delivery.client import Client
from clarion.delivery.errors import Blocked
from clarion.delivery.guard import PushAllowList
from clarion.delivery.jobs import PushJob
from clarion.delivery.keys import SiteKeys
from clarion.delivery.outgoing import push_request
from clarion.delivery.retry import classify
from clarion.delivery.vapid import VapidTokens
from clarion.store.records.deliveries import Delivery


class WebPushChannel:
    """Sends to each subscription's own endpoint."""

    def __init__(self, keys: SiteKeys, client: Client, allow: PushAllowList) -> None:
        self._keys = keys
        self._client = client
        self._allow = allow
        self._tokens = VapidTokens()

    async def send(self, delivery: Delivery, job: PushJob, now: int) -> Answer:
        """Send once."""
        refused = self._allow.refuses(job.endpoint)
        if refused is not None:
            raise Blocked(refused)
        outgoing = push_request(delivery, job, self._keys, self._tokens, now)
        response = await self._client.request(outgoing.method, outgoing.url, outgoing.headers, outgoing.body)
        return Answer(response, classify("push", response.status))
