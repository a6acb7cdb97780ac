"""Provider tokens of Apple's push service: made anew within the hour that it takes them, and never more often than it allows."""

from collections import OrderedDict
from typing import Final

from clarion.clock import MINUTE, SECOND
from clarion.delivery.channel import CredentialsMissing
from clarion.delivery.credentials import ApnsKey, load_p256
from clarion.delivery.jws import es256

RENEW_AFTER: Final = 45 * MINUTE
"""Apple takes a token for an hour from `iat`; clocks differ."""
SHORTEST: Final = 20 * MINUTE
"""Apple refuses tokens of one key that change more often."""
_KEPT: Final = 1024

_Signer = tuple[str, str, str]
"""Team, id of the key, and the key itself: all that a token is made of."""


class ApnsTokens:
    """Tokens by key, whatever app it is used for; the least recently used go first. Times are UTC microseconds, passed in."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Signer, tuple[int, bytes]] = OrderedDict()

    def token(self, key: ApnsKey, now: int) -> bytes:
        """The token to show now. Raises CredentialsMissing for a key that cannot be read."""
        signer = _signer(key)
        kept = self._kept.get(signer)
        # a clock set back leaves a token from the future, which Apple refuses
        if kept is None or not 0 <= now - kept[0] < RENEW_AFTER:
            kept = self._kept[signer] = (now, _make(key, now))
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(signer)
        return kept[1]

    def renew(self, key: ApnsKey, token: bytes, now: int) -> bool:
        """Apple says that this token has expired: whether there is another one now, or may be."""
        signer = _signer(key)
        kept = self._kept.get(signer)
        if kept is None or kept[1] != token:
            return True
        if now - kept[0] < SHORTEST:
            return False
        del self._kept[signer]
        return True


def _signer(key: ApnsKey) -> _Signer:
    return key.team, key.key_id, key.private


def _make(key: ApnsKey, now: int) -> bytes:
    try:
        private = load_p256(key.private)
    except ValueError as error:
        raise CredentialsMissing(f"the APNs key cannot be used: {error}") from None
    return es256({"kid": key.key_id}, {"iss": key.team, "iat": now // SECOND}, private)
