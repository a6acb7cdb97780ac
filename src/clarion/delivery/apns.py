"""Pushes to iOS apps by Apple's push service, over HTTP/2 with a provider token."""

import re
from typing import Final

import msgspec

from clarion.delivery.apns_message import apns_headers, apns_payload
from clarion.delivery.apns_tokens import ApnsTokens
from clarion.delivery.channel import Answer, CredentialsMissing
from clarion.delivery.client import Client
from clarion.delivery.connection import Response
from clarion.delivery.credentials import APNS_SANDBOX_URL, APNS_URL, ApnsKey
from clarion.delivery.errors import BadRequest, Blocked
from clarion.delivery.guard import PushAllowList
from clarion.delivery.jobs import PushJob
from clarion.delivery.keys import SiteKeys
from clarion.delivery.retry import Outcome, Verdict
from clarion.delivery.shown import read_shown
from clarion.store.records.deliveries import Delivery

_DEVICE: Final = re.compile(r"[0-9A-Fa-f]{8,512}")
_GONE: Final = {
    "Unregistered": "the app was removed from the device",
    "ExpiredToken": "the device's token has expired",
}
_NOT_OURS: Final = {
    "BadDeviceToken": "the device's token is not one of this environment",
    "DeviceTokenNotForTopic": "the device's token belongs to another app",
}
_AGAIN: Final = frozenset({"IdleTimeout", "Shutdown", "ExpiredProviderToken"})
_ONE_DEVICE: Final = "TooManyRequests"


class _Refused(msgspec.Struct):
    reason: str = ""


_decode: Final = msgspec.json.Decoder(_Refused).decode


class ApnsChannel:
    """Sends by the key of each site. Keys share no connection: Apple ties one to the first team that it sees."""

    def __init__(self, keys: SiteKeys, client: Client, allow: PushAllowList) -> None:
        self._keys = keys
        self._client = client
        self._allow = allow
        self._tokens = ApnsTokens()

    async def send(self, delivery: Delivery, job: PushJob, now: int) -> Answer:
        """Send once; with a new provider token once more where the service says that the one that is kept has expired."""
        key = self._keys.apns(delivery.site)
        if key is None:
            raise CredentialsMissing("the site has no APNs key")
        if not self._allow.is_ours((APNS_URL, APNS_SANDBOX_URL), key.base_url):
            raise Blocked("the APNs key names a host that is not Apple's")
        if not _DEVICE.fullmatch(job.endpoint):
            raise BadRequest("the device's token is not one of APNs")
        receipt = self._keys.receipt_token(delivery.site, delivery.id, delivery.partition)
        payload = apns_payload(job, read_shown(job), receipt, delivery.effect)
        token = self._tokens.token(key, now)
        response = await self._post(key, token, delivery, job, payload, now)
        if _reason(response) == "ExpiredProviderToken" and self._tokens.renew(key, token, now):
            response = await self._post(key, self._tokens.token(key, now), delivery, job, payload, now)
        return Answer(response, judge(response), one_device=_reason(response) == _ONE_DEVICE)

    async def _post(self, key: ApnsKey, token: bytes, delivery: Delivery, job: PushJob, payload: bytes, now: int) -> Response:
        url = f"{key.base_url}/3/device/{job.endpoint}"
        headers = apns_headers(job, key, token, delivery.id, now)
        return await self._client.http2.request("POST", url, headers, payload, lane=f"{key.team}.{key.key_id}")


def judge(response: Response) -> Verdict:
    """What an answer means, by Apple's reasons.

    Every token is one of another environment or app where the site's credentials are: that takes no subscriber away.
    """
    status, reason = response.status, _reason(response)
    if status == 200:
        return Verdict(Outcome.SENT)
    said = f"answered {status} {reason}".rstrip()
    if reason in _GONE or status == 410:
        return Verdict(Outcome.GONE, f"{said}: {_GONE.get(reason, 'the device is not reached any more')}")
    if reason in _NOT_OURS:
        return Verdict(Outcome.FAILED, f"{said}: {_NOT_OURS[reason]}")
    if status == 429 or status >= 500 or reason in _AGAIN:
        return Verdict(Outcome.RETRY, said)
    if status == 403:
        return Verdict(Outcome.FAILED, f"{said}: Apple refuses the key")
    return Verdict(Outcome.FAILED, said)


def _reason(response: Response) -> str:
    try:
        reason = _decode(response.body).reason
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return reason if reason.isascii() and reason.isalnum() and len(reason) <= 64 else ""
