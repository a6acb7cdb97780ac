"""An application server's requests, right in every way that a test does not change."""

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aiohttp import ClientSession, ClientTimeout
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import CIMultiDict

from clarion.clock import HOUR, SECOND


class Answer(NamedTuple):
    """What the service said."""

    status: int
    headers: CIMultiDict[str]
    text: str


@dataclass
class Sender:
    """One with a key pair of its own, and a clock that is the service's."""

    now: int
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public(self) -> str:
        """As browsers get it."""
        return base64url(self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def claims(self, origin: str, **changed: object) -> dict[str, Any]:
        """Of a good token; what is changed to None is left out."""
        claims = {"aud": origin, "exp": (self.now + HOUR) // SECOND, "sub": "mailto:push@shop.example", **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, claims: object, *, alg: str = "ES256") -> str:
        """A token that says this, signed."""
        return self.sign(json.dumps(claims).encode(), alg=alg)

    def sign(self, claims: bytes, *, alg: str = "ES256") -> str:
        """The same, whatever the claims are."""
        signed = f"{base64url(json.dumps({'typ': 'JWT', 'alg': alg}).encode())}.{base64url(claims)}"
        r, s = decode_dss_signature(self.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def authorization(self, origin: str, **changed: object) -> str:
        """The header, with these claims changed."""
        return f"vapid t={self.token(self.claims(origin, **changed))}, k={self.public}"

    async def push(self, endpoint: str, body: bytes = b"sealed", **changed: str | None) -> Answer:
        """Post a message, with these headers changed (an underscore stands for the hyphen); those that are None are left out."""
        origin = endpoint.partition("/wpush/")[0]
        good = {"TTL": "60", "Content-Encoding": "aes128gcm", "Authorization": self.authorization(origin)}
        given = {**good, **{name.replace("_", "-"): value for name, value in changed.items()}}
        return await post(endpoint, body, {name: value for name, value in given.items() if value is not None})


async def post(endpoint: str, body: bytes, headers: dict[str, str] | CIMultiDict[str]) -> Answer:
    """Post these bytes with these headers."""
    async with ClientSession(timeout=ClientTimeout(10)) as session, session.post(endpoint, data=body, headers=headers) as response:
        return Answer(response.status, CIMultiDict(response.headers), await response.text())


def base64url(raw: bytes) -> str:
    """Without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
