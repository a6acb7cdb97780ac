"""What goes from this partition to others, by their inboxes (design §3.7). The entries' ids are stable, their times those of the cause."""

from collections.abc import Sequence

import msgspec

from clarion.domain.ids import caused_event_id, named_profile
from clarion.domain.records import Event, Subscriber
from clarion.engine.homes import Homes
from clarion.engine.inputs import PassedBody
from clarion.engine.ledger import Ledger
from clarion.store.records.bodies import Carried, Forwarded, Joined, Left, Merging, ProfileChange, Seen, SubscriberChange
from clarion.store.records.entries import EntryKind, NewEntry

_encode = msgspec.json.Encoder().encode


class Messages:
    """Puts messages into a ledger."""

    def __init__(self, ledger: Ledger, homes: Homes) -> None:
        self._ledger, self._homes = ledger, homes

    def forward(
        self,
        site: int,
        kind: EntryKind,
        entry: str,
        body: PassedBody,
        received: int,
        profile: str,
        subscriber: Subscriber | None = None,
        *,
        to_sender: bool = False,
        again: bool = False,
    ) -> None:
        """Pass an entry on to where a profile lives, with its subscriber as its home has it now; `again`: it has been passed on before."""
        told = Forwarded(kind, entry, msgspec.Raw(_encode(body)), received, profile, subscriber, to_sender)
        name = f"{EntryKind.FORWARD}.sender" if to_sender else f"{EntryKind.FORWARD}.{kind}"
        self._send(site, EntryKind.FORWARD, name, entry, told, received, self._homes.of_profile(site, profile), int(again))

    def join(self, site: int, joined: Joined, parts: Sequence[Carried]) -> None:
        """Tell a profile of a registration, behind all but the last part of what comes with it."""
        partition = self._homes.of_profile(site, joined.subscriber.profile)
        for ordinal, part in enumerate(parts or [None]):
            told = msgspec.structs.replace(joined, carried=part, is_part=ordinal < len(parts) - 1)
            self._send(site, EntryKind.JOIN, EntryKind.JOIN, joined.entry, told, joined.received, partition, ordinal)

    def leave(self, site: int, left: Left, received: int) -> None:
        """Tell a profile that a subscriber is not its any more."""
        self._send(site, EntryKind.LEAVE, EntryKind.LEAVE, left.entry, left, received, self._homes.of_profile(site, left.profile))

    def merge(self, site: int, merging: Sequence[Merging]) -> None:
        """Bring what an anonymous profile has, in parts, to the one that it becomes part of."""
        for ordinal, part in enumerate(merging):
            partition = self._homes.of_profile(site, part.profile)
            self._send(site, EntryKind.MERGE, EntryKind.MERGE, part.entry, part, part.received, partition, ordinal)

    def device(self, site: int, change: SubscriberChange, cause: str, received: int) -> None:
        """Have a subscriber's home change it."""
        device = change.device_token_hash
        name = f"{EntryKind.DEVICE}.{change.change}.{device}"
        self._send(site, EntryKind.DEVICE, name, cause, change, received, self._homes.of_subscriber(site, device))

    def profile(self, site: int, change: ProfileChange, cause: str, received: int) -> None:
        """Have a named profile changed."""
        partition = self._homes.of_profile(site, named_profile(change.profile_id or ""))
        self._send(site, EntryKind.PROFILE, EntryKind.PROFILE, cause, change, received, partition)

    def seen(self, site: int, event: Event, device_token_hash: str, at: int, copy: Subscriber | None) -> None:
        """Tell a subscriber's home that an event has shown it to be active; `copy` is what there was of it here before."""
        profile, known = (None, 0) if copy is None else (copy.profile, copy.last_active)
        told = Seen(device_token_hash, at, event.id, event.name, profile, known)
        partition = self._homes.of_subscriber(site, device_token_hash)
        self._send(site, EntryKind.SEEN, EntryKind.SEEN, event.id, told, event.received, partition)

    def _send(
        self, site: int, kind: EntryKind, name: str, cause: str, body: msgspec.Struct, received: int, partition: int, ordinal: int = 0
    ) -> None:
        id = caused_event_id(cause, name, ordinal)
        self._ledger.emitted.append(NewEntry(kind, site, id, _encode(body), received, partition))
