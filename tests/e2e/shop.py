"""What is around a server in these tests: a browser with its push service, and a shop that takes signed requests."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import http_ece  # type: ignore[import-untyped]  # it has no types
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from standardwebhooks import Webhook
from tests.delivery.browser import Browser
from tests.delivery.receiver import Answer, Received, Receiver, receiving, status
from tests.e2e.server import Api, unique

CREATED = status(201)


class Device:
    """A browser that subscribed, and the push service that it is connected to."""

    def __init__(self, service: Receiver) -> None:
        self.service = service
        self.browser = Browser.new()
        self.path = f"/{unique('push')}"
        self.endpoint = f"http://127.0.0.1:{service.port}{self.path}"

    async def register(self, api: Api, profile_id: str, **fields: object) -> str:
        """Register the subscription as a shop's page does; returns its device_token_hash.

        As soon as it is with the profile, that is: what comes at the same time, and names the profile only, may reach it before.
        """
        keys = {"p256dh": self.browser.p256dh, "auth": self.browser.auth}
        subscription = {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}
        answer = await api.ask("POST", "/subscribers", {"subscription": subscription, "profile_id": profile_id, **fields})
        assert answer.status == 200, answer
        hashed = answer.json["data"]["device_token_hash"]
        assert isinstance(hashed, str)
        await api.profile_when(
            profile_id, lambda seen: (hashed, True) in [(row["device_token_hash"], row["active"]) for row in seen["subscribers"]]
        )
        return hashed

    @property
    def received(self) -> list[Received]:
        """What the push service got for this browser."""
        return [request for request in self.service.requests if request.path == self.path]

    def read(self, message: Received) -> Any:
        """What the service worker gets, but for the token of the delivery; opened by an implementation that is not ours."""
        opened = http_ece.decrypt(message.body, private_key=self.browser.key, auth_secret=self.browser.secret, version="aes128gcm")
        assert opened == self.browser.read(message.body)
        said = json.loads(opened)
        assert re.fullmatch(r"[0-9]+\.[0-9a-f]{32}\.[A-Za-z0-9_-]{22}", said.pop("token"))
        return said


@asynccontextmanager
async def device(answer: Answer = CREATED) -> AsyncIterator[Device]:
    """A device whose push service answers as a test wants."""
    async with receiving(answer) as service:
        yield Device(service)


class Vapid(NamedTuple):
    """What `Authorization` says (RFC 8292 §3)."""

    claims: dict[str, Any]
    key: str


def check_vapid(header: str | None) -> Vapid:
    """Read the header and check the token's signature with the key that stands beside it (RFC 8292 §3, RFC 7515, RFC 7518 §3.4)."""
    assert header is not None
    scheme, _, rest = header.partition(" ")
    assert scheme == "vapid"
    fields = dict(field.split("=", 1) for field in rest.split(", "))
    signed, _, signature = fields["t"].rpartition(".")
    head, claims = (json.loads(_decode(part)) for part in signed.split("."))
    assert head == {"typ": "JWT", "alg": "ES256"}
    raw = _decode(signature)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _decode(fields["k"]))
    public.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    return Vapid(claims, fields["k"])


def check_signature(secret: str, request: Received) -> Any:
    """The body of a signed request, judged by the standard's own library."""
    return Webhook(secret).verify(request.body, dict(request.headers))


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
