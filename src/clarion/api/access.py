"""Who asks, and whether they may (contract: 401 before everything else, then 403)."""

from collections.abc import Callable

from clarion.api.limits import RateLimit
from clarion.clock import Clock
from clarion.contract.errors import forbidden, key_missing, key_unknown, too_many_requests, unavailable
from clarion.directory import Credential, Directory

RETRY_AFTER = 1
"""Seconds to wait after a 503."""


class Access:
    """Judges API keys."""

    def __init__(self, directory: Directory, clock: Clock, rate: RateLimit, is_stale: Callable[[], bool]) -> None:
        """`is_stale` says that what is known here may not stand any more: which keys are valid, for one."""
        self._directory, self._clock, self._rate, self._is_stale = directory, clock, rate, is_stale

    def identify(self, api_key: bytes | None, scope: str, now: int | None = None) -> Credential:
        """What a valid key says. Raises Refusal: 401 for no key or a wrong one, 403 where it lacks the scope, 503 where nobody can tell."""
        if not api_key or not api_key.strip():
            raise key_missing()
        if self._is_stale():
            raise unavailable(RETRY_AFTER)
        credential = self._directory.credential(api_key, self._clock() if now is None else now)
        if credential is None:
            raise key_unknown()
        if not credential.allows(scope):
            raise forbidden()
        return credential

    def meter(self, credential: Credential, requests: int = 1) -> None:
        """Count requests against the key's rate limit. Raises Refusal (429)."""
        retry_after = self._rate.take(credential.key, requests)
        if retry_after:
            raise too_many_requests(retry_after)
