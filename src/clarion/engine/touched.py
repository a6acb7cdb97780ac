"""What one input has changed about people, from the journal of the books."""

import msgspec

from clarion.domain.records import Profile, Subscriber


class Touched(msgspec.Struct):
    """Of one profile."""

    before: Profile | None
    """As it was before the input; None: it was not there."""
    subscriber: bool = False
    """Whether what conditions see of its subscribers may be otherwise."""

    def attributes(self, now: Profile) -> frozenset[str]:
        """Names of the attributes that have changed."""
        had = {} if self.before is None else self.before.attributes
        has = now.attributes
        if had is has:
            return frozenset()
        return frozenset(name for name in had.keys() | has.keys() if name not in had or name not in has or not _same(had[name], has[name]))

    def segments(self, now: Profile) -> frozenset[str]:
        """Segments that it has come into or gone out of."""
        had = () if self.before is None else self.before.segments
        return frozenset() if had == now.segments else frozenset(had) ^ frozenset(now.segments)


def _same(had: object, has: object) -> bool:
    """To Python, True is 1."""
    return type(had) is type(has) and had == has


def seen_otherwise(before: Subscriber | None, after: Subscriber | None, *, is_alone: bool) -> bool:
    """Whether conditions may see a change of a subscriber that stayed with its profile; `is_alone`: the profile has no other."""
    if before is None or after is None or not is_alone:
        return True
    return (before.active, before.facts, before.created) != (after.active, after.facts, after.created)
