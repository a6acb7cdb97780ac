"""Anonymous profiles become part of named ones: what they bring, whom that ends, and who still has to hear of it (semantics §1)."""

from collections.abc import Collection, Mapping

import msgspec

from clarion.domain import system_events
from clarion.domain.ids import caused_event_id, public_profile_id
from clarion.domain.records import Scalar, Subscriber
from clarion.engine import identity
from clarion.engine.history import WORKFLOW
from clarion.engine.homes import Homes
from clarion.engine.identity import NOTHING, Belongings
from clarion.engine.ledger import Ledger, Person
from clarion.engine.messages import Messages
from clarion.engine.notices import about_profile
from clarion.engine.offering import Offering
from clarion.engine.registry import Registry
from clarion.engine.runs import Runs
from clarion.store.records.bodies import Merging, SubscriberChange
from clarion.store.records.entries import EntryKind
from clarion.workflow.history import SUBSCRIBER
from clarion.workflow.run import WAITING, Run

MERGED = "merged"
"""Why a run ends whose profile became part of one that has the same run."""


class Mergers:
    """Lets profiles in a ledger become part of others.

    A subscriber's own anonymous profile goes along with the message that the subscriber has joined another. One that it shares with others
    lives where that of the first of them does: it hears that it has to go, and goes by a message of its own.
    """

    def __init__(self, ledger: Ledger, registry: Registry, runs: Runs, offering: Offering, homes: Homes, messages: Messages) -> None:
        self._ledger, self._registry, self._runs, self._offering = ledger, registry, runs, offering
        self._homes, self._messages = homes, messages

    # -- what is left ------------------------------------------------------------------------------------------------

    def follow(self, site: int, profile: str) -> str:
        """The key of what a profile has become part of, as far as that is known here; its own if it has not."""
        known = self._ledger.profiles.get((site, profile))
        return profile if known is None or known.merged is None else known.merged

    def send_after(self, site: int, subscriber: Subscriber, merged: str, cause: str, received: int) -> None:
        """Have a subscriber's home hear that its profile has become part of another."""
        change = SubscriberChange(subscriber.device_token_hash, "identify", public_profile_id(merged), profile=subscriber.profile)
        self._messages.device(site, change, cause, received)

    # -- going -------------------------------------------------------------------------------------------------------

    def give_up(self, source: Person, named: str, device: str, cause: str, received: int, now: int) -> Belongings | None:
        """What an anonymous profile brings to a named one, which a subscriber of it has joined; None: nothing, or it has gone already.

        Its other subscribers go along.
        """
        profile = self._ledger.profiles.get(source)
        if profile is None or profile.merged is not None:
            return None
        for other in self._ledger.subscribers_of(source):
            if other.device_token_hash != device:
                self.send_after(source[0], other, named, cause, received)
        return identity.give_up(self._ledger, source, named, now)

    def begin(self, source: Person, named: str, device: str, entry: str, received: int, now: int) -> None:
        """An anonymous profile of this partition becomes part of a named one: a subscriber has joined that which it was not made for."""
        brought = self.give_up(source, named, device, entry, received, now)
        if brought is None:
            return
        site = source[0]
        if self._homes.has_profile(site, named):
            self._take_in((site, named), brought, entry, received, now)
            return
        parts = identity.carry(self._ledger, brought, self.last_heard)
        self._messages.merge(site, [Merging(named, entry, received, part, part is not parts[-1]) for part in parts])

    def last_heard(self, run: Run) -> int:
        """Number of the last directive in the log; all runs here have heard of it."""
        state = self._registry.state(run.site, run.workflow)
        return state.heard[-1].number if state is not None and state.heard else 0

    # -- coming ------------------------------------------------------------------------------------------------------

    def merged(self, site: int, merging: Merging, now: int) -> str:
        """An anonymous profile of another partition becomes part of one of this. Returns the key of that."""
        carried = merging.carried
        person, brought = (site, merging.profile), identity.unpack(carried)
        self._take_in(person, brought, merging.entry, merging.received, now, carried.heard, carried.came_before, is_part=merging.is_part)
        return merging.profile

    def _take_in(
        self,
        person: Person,
        brought: Belongings,
        entry: str,
        received: int,
        now: int,
        heard: Mapping[str, int] | None = None,
        came_before: Mapping[str, Scalar] = NOTHING,
        *,
        is_part: bool = False,
    ) -> None:
        """What another has becomes a profile's; `heard` and `came_before` as of `Carried`, if it comes from elsewhere."""
        had = identity.ensure_profile(self._ledger, person, now)
        arrived = identity.absorb(self._ledger, person, brought, now, self._registry.dynamics(person[0]).names)
        got = identity.ensure_profile(self._ledger, person, now)
        if heard is not None:
            self.arrived(brought, heard)
        self.meet(person, arrived, now)
        cause = caused_event_id(entry, EntryKind.MERGE, 0)
        self.tell_segments(person, tuple(one for one in got.segments if one not in had.segments), cause, now)
        gained = {name: value for name, value in got.attributes.items() if name not in had.attributes or came_before.get(name) == value}
        if gained and not is_part:
            name = system_events.SUBSCRIBER_UPDATED
            self._offering.offer(person, about_profile(caused_event_id(cause, name, 0), name, person[1], gained, received), now)
        self._offering.close(person, entry, SUBSCRIBER, now)

    def arrived(self, brought: Belongings, heard: Mapping[str, int]) -> None:
        """Runs have come from another partition; `heard` as of `Carried`."""
        for kept in brought.runs:
            self._runs.arrive(kept.run.id)
            self._catch_up(kept.run, heard.get(kept.run.workflow, 0))

    def _catch_up(self, run: Run, heard: int) -> None:
        """Let a run hear of what this log has said and the one that it comes from had not: as of then, or of when it came to its step."""
        state = self._registry.state(run.site, run.workflow)
        for directive in () if state is None else state.heard:
            kept = self._ledger.runs.get(run.id)
            if kept is None or kept.run.status != WAITING:
                return
            if directive.number > heard and directive.version > kept.run.version:
                at = max(directive.at, kept.run.since)
                self._runs.hear(kept, msgspec.structs.replace(directive, at=at))
                self._offering.close((kept.run.site, kept.run.profile), run.id, WORKFLOW, at)

    def meet(self, person: Person, arrived: Collection[str], now: int) -> None:
        """A profile is not what it was; where a run that has arrived meets one of the same workflow and key, the younger ends."""
        self._runs.changed(person)
        for run in identity.rivals(self._ledger, person, arrived, self._runs.is_parallel):
            self._runs.stop(run, MERGED, now)
            if (kept := self._ledger.runs.get(run)) is not None and kept.run.goal_until is not None:  # the one that stays has the goal
                self._ledger.put_run(msgspec.structs.replace(kept.run, goal_until=None))

    def tell_segments(self, person: Person, segments: Collection[str], cause: str, now: int) -> None:
        """Send the events of segments that a profile has come into."""
        site, profile = person
        for ordinal, segment in enumerate(segments):
            name = system_events.SEGMENT_ADDED
            self._runs.emit(site, about_profile(caused_event_id(cause, name, ordinal), name, profile, {"segment": segment}, now))
