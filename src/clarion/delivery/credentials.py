"""What a site has to show to the push services of mobile apps, read from the files that their consoles give out."""

import re
from functools import lru_cache
from typing import Final

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

FCM_URL: Final = "https://fcm.googleapis.com"
OAUTH_URL: Final = "https://oauth2.googleapis.com/token"
APNS_URL: Final = "https://api.push.apple.com"
APNS_SANDBOX_URL: Final = "https://api.sandbox.push.apple.com"

MAX_FILE: Final = 16_384
"""Bytes of a key file; real ones have less than a fifth of it."""

_PROJECT: Final = re.compile(r"[a-z0-9][a-z0-9.:-]{0,99}")
_ACCOUNT: Final = re.compile(r"[^\s@]{1,200}@[^\s@]{1,200}")
_KEY_ID: Final = re.compile(r"[A-Za-z0-9]{1,128}")
_APPLE_ID: Final = re.compile(r"[A-Z0-9]{10}")
_TOPIC: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,254}")
_SMALLEST_RSA: Final = 2048


class FcmKey(msgspec.Struct, frozen=True):
    """A Google service account that may send to one Firebase project's apps."""

    project: str
    account: str
    """Its e-mail address."""
    key_id: str
    private: str
    """RSA, PEM."""
    token_url: str = OAUTH_URL
    base_url: str = FCM_URL
    """Both are Google's, but where private targets are allowed."""

    def __repr__(self) -> str:
        return f"FcmKey(project={self.project!r}, key_id={self.key_id!r})"


class ApnsKey(msgspec.Struct, frozen=True):
    """An Apple key for token-based authentication, and the app that it sends to."""

    key_id: str
    team: str
    topic: str
    """The app's bundle id."""
    private: str
    """P-256, PEM: the content of the `.p8` file."""
    base_url: str = APNS_URL
    """Production or the sandbox; anything else only where private targets are allowed."""

    def __repr__(self) -> str:
        return f"ApnsKey(team={self.team!r}, key_id={self.key_id!r}, topic={self.topic!r})"


class _ServiceAccount(msgspec.Struct):
    type: str
    project_id: str
    client_email: str
    private_key_id: str
    private_key: str
    token_uri: str = OAUTH_URL


def read_fcm_key(file: bytes) -> FcmKey:
    """A service account's JSON key file. Raises ValueError with what is wrong, without any of its content."""
    if len(file) > MAX_FILE:
        raise ValueError("a service account's key file is smaller")
    try:
        account = msgspec.json.decode(file, type=_ServiceAccount)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise ValueError("not the JSON key file of a service account") from None
    if account.type != "service_account":
        raise ValueError("the file's type is not service_account")
    if not _PROJECT.fullmatch(account.project_id):
        raise ValueError("project_id is not a project's")
    if not _ACCOUNT.fullmatch(account.client_email) or not _KEY_ID.fullmatch(account.private_key_id):
        raise ValueError("client_email or private_key_id is not a service account's")
    if account.token_uri != OAUTH_URL:
        raise ValueError(f"token_uri is not {OAUTH_URL}")
    load_rsa(account.private_key)
    return FcmKey(account.project_id, account.client_email, account.private_key_id, account.private_key)


def read_apns_key(file: str, *, key_id: str, team: str, topic: str, sandbox: bool = False) -> ApnsKey:
    """A `.p8` file with what the developer account says of it. Raises ValueError with what is wrong, without any of the file."""
    if not _APPLE_ID.fullmatch(key_id) or not _APPLE_ID.fullmatch(team):
        raise ValueError("a key id and a team id have ten capital letters and digits")
    if not _TOPIC.fullmatch(topic):
        raise ValueError("the topic is an app's bundle id")
    if len(file) > MAX_FILE:
        raise ValueError("a key file is smaller")
    load_p256(file)
    return ApnsKey(key_id, team, topic, file, APNS_SANDBOX_URL if sandbox else APNS_URL)


@lru_cache(maxsize=256)
def load_rsa(pem: str) -> RSAPrivateKey:
    """An RSA key of at least 2048 bits. Raises ValueError."""
    key = _load(pem)
    if not isinstance(key, RSAPrivateKey) or key.key_size < _SMALLEST_RSA:
        raise ValueError(f"the private key is not RSA of at least {_SMALLEST_RSA} bits")
    return key


@lru_cache(maxsize=256)
def load_p256(pem: str) -> ec.EllipticCurvePrivateKey:
    """A key on the curve P-256. Raises ValueError."""
    key = _load(pem)
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise ValueError("the private key is not on the curve P-256")
    return key


def _load(pem: str) -> object:
    try:
        return load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it has a passphrase
        raise ValueError("the private key is not PEM without a passphrase") from None
