"""Pushes to Android apps by Firebase Cloud Messaging, HTTP v1."""

import re
from typing import Final

import msgspec

from clarion.clock import MINUTE, Clock
from clarion.delivery.channel import Answer, CredentialsMissing
from clarion.delivery.client import Client
from clarion.delivery.connection import Response
from clarion.delivery.credentials import FCM_URL, OAUTH_URL, FcmKey
from clarion.delivery.errors import BadRequest, Blocked
from clarion.delivery.fcm_message import fcm_message
from clarion.delivery.google_tokens import GoogleTokens
from clarion.delivery.guard import PushAllowList
from clarion.delivery.jobs import PushJob
from clarion.delivery.keys import SiteKeys
from clarion.delivery.outgoing import USER_AGENT
from clarion.delivery.retry import Outcome, Verdict
from clarion.delivery.shown import read_shown
from clarion.store.records.deliveries import Delivery

_DEVICE: Final = re.compile(r"[\x21-\x7e]{1,4096}")
_GONE: Final = "UNREGISTERED"
_QUOTA_REFILLS: Final = MINUTE
"""What Google asks senders to wait after a 429 without `Retry-After`."""
_MISMATCH: Final = "SENDER_ID_MISMATCH"


class _Detail(msgspec.Struct):
    error_code: str = msgspec.field(name="errorCode", default="")


class _Error(msgspec.Struct):
    status: str = ""
    details: list[_Detail] = []


class _Refused(msgspec.Struct):
    error: _Error


_decode: Final = msgspec.json.Decoder(_Refused).decode


class FcmChannel:
    """Sends by the service account of each site."""

    def __init__(self, keys: SiteKeys, client: Client, clock: Clock, allow: PushAllowList) -> None:
        self._keys = keys
        self._client = client
        self._allow = allow
        self._tokens = GoogleTokens(client, clock)

    async def send(self, delivery: Delivery, job: PushJob, now: int) -> Answer:
        """Send once; with a new access token once more where the service does not take the one that is kept."""
        key = self._keys.fcm(delivery.site)
        if key is None:
            raise CredentialsMissing("the site has no FCM service account")
        if not self._allow.is_ours((OAUTH_URL, FCM_URL), key.token_url, key.base_url):
            raise Blocked("the service account names a host that is not Google's")
        if not _DEVICE.fullmatch(job.endpoint):
            raise BadRequest("the device's token is not one of FCM")
        receipt = self._keys.receipt_token(delivery.site, delivery.id, delivery.partition)
        body = fcm_message(job, read_shown(job), receipt, delivery.effect)
        response = await self._post(key, body)
        if response.status == 401 and _code(response) != "THIRD_PARTY_AUTH_ERROR":
            response = await self._post(key, body)
        return Answer(response, judge(response), patience=_QUOTA_REFILLS if response.status == 429 else 0)

    async def _post(self, key: FcmKey, body: bytes) -> Response:
        token = await self._tokens.token(key)
        headers = [(b"authorization", b"Bearer " + token), (b"content-type", b"application/json"), (b"user-agent", USER_AGENT)]
        response = await self._client.request("POST", f"{key.base_url}/v1/projects/{key.project}/messages:send", headers, body)
        if response.status == 401:
            self._tokens.forget(key, token)
        return response


def judge(response: Response) -> Verdict:
    """What an answer means, by the error codes of the HTTP v1 API.

    A 404 without the code is a project that is not there; and a token of another project is what every device has if the site's
    credentials are not the app's: neither takes a subscriber away.
    """
    status, code = response.status, _code(response)
    if status == 200:
        return Verdict(Outcome.SENT)
    said = f"answered {status} {code}".rstrip()
    if code == _GONE:
        return Verdict(Outcome.GONE, f"{said}: the app was removed from the device")
    if code == _MISMATCH:
        return Verdict(Outcome.FAILED, f"{said}: the device's token belongs to another project")
    if status == 429 or status >= 500:
        return Verdict(Outcome.RETRY, said)
    if code == "THIRD_PARTY_AUTH_ERROR":
        return Verdict(Outcome.FAILED, f"{said}: the project lacks credentials for this kind of device")
    if status == 401:
        return Verdict(Outcome.RETRY, f"{said}: the service refuses the access token")
    if status == 403:
        return Verdict(Outcome.FAILED, f"{said}: the service account may not send")
    return Verdict(Outcome.FAILED, said)


def _code(response: Response) -> str:
    """FCM's own error code where it gives one, else that of Google's APIs; empty where there is neither."""
    try:
        error = _decode(response.body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    code = next((detail.error_code for detail in error.details if detail.error_code), error.status)
    return code if code.isascii() and code.replace("_", "").isalnum() and len(code) <= 64 else ""
