"""The receiving end of a push, written from RFC 8188 and RFC 8291 on its own, to check the sending end."""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def hkdf(salt: bytes, secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def open_records(body: bytes, key_for: Callable[[bytes], bytes]) -> bytes:
    """Read an `aes128gcm` body of any number of records; `key_for` gives the input keying material of a key id."""
    salt, size, length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    secret, rest = key_for(body[21 : 21 + length]), body[21 + length :]
    key = AESGCM(hkdf(salt, secret, b"Content-Encoding: aes128gcm\0", 16))
    base = int.from_bytes(hkdf(salt, secret, b"Content-Encoding: nonce\0", 12), "big")
    text = b""
    records = [rest[start : start + size] for start in range(0, len(rest), size)]
    for position, record in enumerate(records):
        padded = key.decrypt((base ^ position).to_bytes(12, "big"), record, None).rstrip(b"\0")
        assert padded[-1] == (2 if position == len(records) - 1 else 1)
        text += padded[:-1]
    return text


@dataclass
class Browser:
    """A subscription's private side."""

    key: ec.EllipticCurvePrivateKey
    secret: bytes

    @classmethod
    def new(cls) -> "Browser":
        return cls(ec.generate_private_key(ec.SECP256R1()), bytes(range(16)))

    @property
    def point(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def p256dh(self) -> str:
        return urlsafe_b64encode(self.point).rstrip(b"=").decode()

    @property
    def auth(self) -> str:
        return urlsafe_b64encode(self.secret).rstrip(b"=").decode()

    def read(self, body: bytes) -> bytes:
        """The plaintext of a push message."""

        def material(sender: bytes) -> bytes:
            shared = self.key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
            return hkdf(self.secret, shared, b"WebPush: info\0" + self.point + sender, 32)

        return open_records(body, material)
