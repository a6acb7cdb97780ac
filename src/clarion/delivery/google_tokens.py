"""Access tokens of Google service accounts (RFC 7523 §2.1): asked for once at a time, kept until shortly before they end."""

import asyncio
from collections import OrderedDict
from typing import Final
from urllib.parse import urlencode

import msgspec

from clarion.clock import HOUR, MINUTE, SECOND, Clock
from clarion.delivery.client import Client
from clarion.delivery.credentials import FcmKey, load_rsa
from clarion.delivery.errors import BadRequest, BadResponse, SendError
from clarion.delivery.jws import rs256

SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
RENEW_BEFORE: Final = 5 * MINUTE
"""A token with less than this left is asked for anew."""
FAILED_FOR: Final = 10 * SECOND
"""How long a refusal counts for all pushes of the account: a wrong key is not tried thousands of times."""

_YOUNG: Final = MINUTE
"""A token that is refused at this age is not refused for its age: another one would not help."""
_LIFETIME: Final = HOUR
"""Of the assertion; Google takes no longer ones."""
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_LONGEST: Final = 8192
_KEPT: Final = 1024


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: int


class _Account:
    __slots__ = ("asked", "expires", "failed_until", "failure", "lock", "token")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.token = b""
        self.asked = self.expires = 0
        self.failure: SendError | None = None
        self.failed_until = 0


class CredentialsRefused(BadRequest):
    """Google does not take the service account's key."""


class GoogleTokens:
    """Tokens by account and key; the least recently used go first."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._accounts: OrderedDict[FcmKey, _Account] = OrderedDict()

    async def token(self, key: FcmKey) -> bytes:
        """A token that is good for some minutes at least. Raises SendError; CredentialsRefused where the key is not taken."""
        account = self._account(key)
        # those who come while one asks wait for its answer
        async with account.lock:
            now = self._clock()
            # a clock set back leaves a token that would live too long
            if account.token and RENEW_BEFORE < account.expires - now <= _LIFETIME:
                return account.token
            if account.failure is not None and 0 < account.failed_until - now <= FAILED_FOR:
                raise account.failure
            try:
                granted = await self._ask(key, now)
            except SendError as error:
                account.failure, account.failed_until = error, self._clock() + FAILED_FOR
                raise
            account.failure = None
            account.token, account.asked = granted.access_token.encode(), now
            account.expires = now + min(granted.expires_in * SECOND, _LIFETIME)
            return account.token

    def forget(self, key: FcmKey, token: bytes) -> None:
        """This token was refused; a newer one stays."""
        account, now = self._account(key), self._clock()
        if account.token != token:
            return
        account.token = b""
        if now - account.asked < _YOUNG:
            account.failure, account.failed_until = BadResponse("the service refuses a new access token"), now + FAILED_FOR

    def _account(self, key: FcmKey) -> _Account:
        account = self._accounts.get(key)
        if account is None:
            account = self._accounts[key] = _Account()
            if len(self._accounts) > _KEPT:
                self._accounts.popitem(last=False)
        self._accounts.move_to_end(key)
        return account

    async def _ask(self, key: FcmKey, now: int) -> _Granted:
        try:
            private = load_rsa(key.private)
        except ValueError as error:
            raise CredentialsRefused(f"the service account's key: {error}") from None
        claims: dict[str, str | int] = {
            "iss": key.account,
            "scope": SCOPE,
            "aud": key.token_url,
            "iat": now // SECOND,
            "exp": (now + _LIFETIME) // SECOND,
        }
        assertion = rs256({"typ": "JWT", "kid": key.key_id}, claims, private)
        form = urlencode({"grant_type": _GRANT, "assertion": assertion.decode()}).encode()
        response = await self._client.request("POST", key.token_url, [(b"content-type", b"application/x-www-form-urlencoded")], form)
        if response.status == 429 or response.status >= 500:
            raise BadResponse(f"no access token: answered {response.status}")
        if response.status != 200:
            raise CredentialsRefused(f"no access token: Google refuses the service account's key ({response.status})")
        try:
            granted = msgspec.json.decode(response.body, type=_Granted)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise BadResponse("no access token: the answer cannot be read") from None
        token = granted.access_token
        if not (0 < len(token) <= _LONGEST and token.isascii() and token.isprintable() and granted.expires_in > 0):
            raise BadResponse("no access token: the answer makes no sense")
        return granted
