"""Google's token endpoint and FCM's HTTP v1 API on this machine, which check what the real ones check."""

import asyncio
import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from clarion.clock import SECOND, Clock
from clarion.delivery.credentials import FcmKey

from .receiver import Received, Receiver, status


@cache
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def unpack(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def error(code: int, name: str, fcm: str | None = None) -> tuple[int, str]:
    """An answer of FCM that refuses."""
    details = [{"@type": "type.googleapis.com/google.rpc.BadRequest"}]
    if fcm is not None:
        details.append({"@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": fcm})
    return code, json.dumps({"error": {"code": code, "message": "no", "status": name, "details": details}})


@dataclass
class Google:
    """Grants tokens to one service account and takes messages for one project."""

    clock: Clock
    receiver: Receiver | None = None
    granted: list[str] = field(default_factory=list)
    valid: set[str] = field(default_factory=set)
    expires_in: int = 3599
    grants: list[tuple[int, str]] = field(default_factory=list)
    """What the token endpoint answers instead, in order."""
    answers: list[tuple[int, str]] = field(default_factory=list)
    """What FCM answers instead, in order."""
    retry_after: int | None = None
    messages: list[dict[str, object]] = field(default_factory=list)

    @property
    def key(self) -> FcmKey:
        assert self.receiver is not None
        base = f"http://127.0.0.1:{self.receiver.port}"
        return FcmKey("shop-1", "push@shop-1.iam.gserviceaccount.com", "abc123", pem(private_key()), f"{base}/token", base)

    async def __call__(self, request: Received, writer: asyncio.StreamWriter) -> None:
        code, body = self._grant(request) if request.path == "/token" else self._send(request)
        headers = ["content-type: application/json"]
        if code in (429, 503) and self.retry_after is not None:
            headers.append(f"retry-after: {self.retry_after}")
        await status(code, *headers, body=body)(request, writer)

    def _grant(self, request: Received) -> tuple[int, str]:
        if self.grants:
            return self.grants.pop(0)
        assert request.method == "POST"
        assert request.header("content-type") == "application/x-www-form-urlencoded"
        form = parse_qs(request.body.decode(), strict_parsing=True)
        assert form.keys() == {"grant_type", "assertion"}
        assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        head, claims, signature = form["assertion"][0].split(".")
        private_key().public_key().verify(unpack(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
        assert json.loads(unpack(head)) == {"typ": "JWT", "kid": "abc123", "alg": "RS256"}
        read = json.loads(unpack(claims))
        now = self.clock() // SECOND
        assert read == {
            "iss": "push@shop-1.iam.gserviceaccount.com",
            "scope": "https://www.googleapis.com/auth/firebase.messaging",
            "aud": self.key.token_url,
            "iat": read["iat"],
            "exp": read["exp"],
        }
        assert now - 300 <= read["iat"] <= now + 300
        assert read["iat"] < read["exp"] <= read["iat"] + 3600
        token = f"ya29.token-{len(self.granted)}"
        self.granted.append(token)
        self.valid.add(token)
        return 200, json.dumps({"access_token": token, "expires_in": self.expires_in, "token_type": "Bearer"})

    def _send(self, request: Received) -> tuple[int, str]:
        assert (request.method, request.path) == ("POST", "/v1/projects/shop-1/messages:send")
        assert request.header("content-type") == "application/json"
        scheme, _, token = str(request.header("authorization")).partition(" ")
        if scheme != "Bearer" or token not in self.valid:
            return error(401, "UNAUTHENTICATED")
        if self.answers:
            return self.answers.pop(0)
        body = json.loads(request.body)
        assert body.keys() == {"message"}
        message = body["message"]
        assert message.keys() == {"token", "data", "android"}
        assert all(isinstance(value, str) for value in message["data"].values())
        assert not any(name in {"from", "message_type"} or name.startswith(("google.", "gcm.")) for name in message["data"])
        if sum(len(name.encode()) + len(value.encode()) for name, value in message["data"].items()) > 4096:
            return error(400, "INVALID_ARGUMENT", "INVALID_ARGUMENT")
        android = message["android"]
        assert android.keys() <= {"ttl", "priority", "collapse_key"}
        assert android["priority"] in {"HIGH", "NORMAL"}
        assert 0 <= int(android["ttl"].removesuffix("s")) <= 2_419_200
        self.messages.append(message)
        return 200, json.dumps({"name": f"projects/shop-1/messages/{len(self.messages)}"})
