"""Apple's push service on this machine, which checks what the real one checks."""

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clarion.clock import HOUR, MINUTE, SECOND, Clock
from clarion.delivery.credentials import ApnsKey, read_apns_key

from .http2_server import Asked, Http2Server

DEVICE = "ab" * 32


def unpack(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def p8(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@dataclass
class Apple:
    """Takes notifications of one team's app."""

    clock: Clock
    server: Http2Server | None = None
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    tokens: list[str] = field(default_factory=list)
    """Provider tokens, each as it is first seen."""
    issued: list[int] = field(default_factory=list)
    """Seconds, of each."""
    expired: set[str] = field(default_factory=set)
    answers: list[tuple[int, str]] = field(default_factory=list)
    """Status and reason that are answered instead, in order."""
    retry_after: int | None = None
    taken: list[tuple[Asked, dict[str, object]]] = field(default_factory=list)

    @property
    def key(self) -> ApnsKey:
        assert self.server is not None
        made = read_apns_key(p8(self.private), key_id="ABCDE12345", team="TEAM123456", topic="com.shop.app")
        return ApnsKey(made.key_id, made.team, made.topic, made.private, self.server.url)

    async def __call__(self, asked: Asked) -> None:
        status, reason = self._judge(asked)
        headers = [("apns-id", str(asked.header("apns-id")))]
        if status in (429, 503) and self.retry_after is not None:
            headers.append(("retry-after", str(self.retry_after)))
        body = json.dumps({"reason": reason}).encode() if reason else b""
        asked.connection.answer(asked.stream, status, body, tuple(headers))

    def _judge(self, asked: Asked) -> tuple[int, str]:
        assert (asked.header(":method"), asked.header(":path")) == ("POST", f"/3/device/{DEVICE}")
        refused = self._judge_token(str(asked.header("authorization")))
        if refused:
            return 403, refused
        if self.answers:
            return self.answers.pop(0)
        if asked.header("apns-topic") != "com.shop.app":
            return 400, "DeviceTokenNotForTopic"
        if asked.header("apns-push-type") not in {"alert", "background"}:
            return 400, "InvalidPushType"
        if asked.header("apns-priority") not in {"1", "5", "10"}:
            return 400, "BadPriority"
        if len((asked.header("apns-collapse-id") or "").encode()) > 64:
            return 400, "BadCollapseId"
        if not str(asked.header("apns-expiration")).isdigit():
            return 400, "BadExpirationDate"
        if str(UUID(asked.header("apns-id"))) != asked.header("apns-id"):
            return 400, "BadMessageId"
        if len(asked.body) > 4096:
            return 413, "PayloadTooLarge"
        payload = json.loads(asked.body)
        assert isinstance(payload["aps"], dict)
        self.taken.append((asked, payload))
        return 200, ""

    def _judge_token(self, authorization: str) -> str:
        scheme, _, token = authorization.partition(" ")
        assert scheme == "bearer"
        if token in self.expired:
            return "ExpiredProviderToken"
        head, claims, signature = token.split(".")
        raw = unpack(signature)
        assert len(raw) == 64
        der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
        try:
            self.private.public_key().verify(der, f"{head}.{claims}".encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return "InvalidProviderToken"
        assert json.loads(unpack(head)) == {"alg": "ES256", "kid": "ABCDE12345"}
        read = json.loads(unpack(claims))
        assert read == {"iss": "TEAM123456", "iat": read["iat"]}
        now = self.clock() // SECOND
        if not now - HOUR // SECOND <= read["iat"] <= now:
            return "ExpiredProviderToken"
        if token not in self.tokens:
            if self.issued and read["iat"] - self.issued[-1] < 20 * MINUTE // SECOND:
                return "TooManyProviderTokenUpdates"
            self.tokens.append(token)
            self.issued.append(read["iat"])
        return ""
