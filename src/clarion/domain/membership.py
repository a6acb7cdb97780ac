"""Whether a condition takes a person in at an instant, and until when that is certain (semantics §5, dynamic segments)."""

import msgspec

from clarion.domain.condition_tree import Condition
from clarion.domain.records import Profile, Scope, Subscriber


class Membership(msgspec.Struct, frozen=True):
    """How a condition turns out for a person."""

    holds: bool
    until: int | None
    """The first instant, UTC microseconds, at which it may turn out otherwise by time alone; None: it never does."""


def membership(condition: Condition, profile: Profile, subscriber: Subscriber | None, now: int, timezone: str = "UTC") -> Membership:
    """How a condition over the profile and its subscriber turns out at an instant.

    `subscriber` is the most recently active one, None where there is none; `timezone` the IANA name of the site's zone, for dates without
    an offset. As long as profile, subscriber and zone stay as they are, the outcome stays as it is before `until`.
    """
    scope = Scope(event={}, entry={}, now=now, profile=profile, subscriber=subscriber, timezone=timezone)
    return Membership(condition.evaluate(scope), condition.next_flip(scope))
