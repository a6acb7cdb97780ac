"""Whom an entry of the log is about."""

from collections.abc import Collection
from typing import Any, Final

import msgspec

from clarion.domain.ids import named_profile
from clarion.store.records.entries import LogRow

_DEEPEST: Final = 3
"""An entry can hold another (FORWARD, JOIN), whose body holds the names."""
_PERSON: Final = ("profile_id",)
_PROFILE: Final = ("profile", "follows")
_DEVICE: Final = ("device_token_hash", "subscriber")
_INNER: Final = ("body", "put", "subscriber", "carried")


class Named(msgspec.Struct, frozen=True):
    """A person, or those that an entry names."""

    profiles: frozenset[str] = frozenset()
    """Keys."""
    subscribers: frozenset[str] = frozenset()
    """device_token_hashes."""

    def is_about(self, profile: str, said: "Named") -> bool:
        """Whether an entry that was applied to `profile` is about this person; empty: to nobody, or it is not known to whom.

        Where somebody else's profile decided, it is that one's, also if it names a subscriber of this person's.
        """
        if profile:
            return profile in self.profiles
        return bool(self.profiles & said.profiles or self.subscribers & said.subscribers)


def names(row: LogRow) -> Named:
    """Whom an entry names in its own words."""
    return Named() if row.profile else said_by(row.body)  # with a profile it does not matter


def said_by(raw: msgspec.Raw) -> Named:
    """Whom a body names."""
    try:
        body = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Named()
    profiles: set[str] = set()
    subscribers: set[str] = set()
    _gather(body, profiles, subscribers, 0)
    return Named(frozenset(profiles), frozenset(subscribers))


def _gather(body: Any, profiles: set[str], subscribers: set[str], depth: int) -> None:
    if not isinstance(body, dict) or depth > _DEEPEST:
        return
    _add(subscribers, (body.get(name) for name in _DEVICE))
    _add(profiles, (body.get(name) for name in _PROFILE))
    _add(profiles, (named_profile(one) for name in _PERSON if isinstance(one := body.get(name), str)))
    for name in _INNER:
        _gather(body.get(name), profiles, subscribers, depth + 1)


def _add(found: set[str], values: Collection[Any] | Any) -> None:
    found.update(value for value in values if isinstance(value, str))
