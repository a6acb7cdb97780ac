"""People are erased from the books: what the log, explanations and files still say of them is for another (semantics §1)."""

from clarion.engine.homes import Homes
from clarion.engine.ledger import Ledger
from clarion.engine.messages import Messages
from clarion.engine.offering import Offering
from clarion.engine.runs import Runs
from clarion.engine.tombstones import Tombstones
from clarion.store.records.bodies import Erasure, Left
from clarion.workflow.history import SUBSCRIBER


class Erasing:
    """Applies erasures to a ledger."""

    def __init__(self, ledger: Ledger, runs: Runs, offering: Offering, homes: Homes, messages: Messages, tombstones: Tombstones) -> None:
        self._ledger, self._runs, self._offering, self._homes, self._messages = ledger, runs, offering, homes, messages
        self._tombstones = tombstones

    def erase(self, site: int, erasure: Erasure, entry: str, received: int, now: int) -> None:
        """Nothing of a person is left that is in this partition: profiles that live here, subscribers whose home it is, copies.

        Subscribers go that were named, and those that belong to one of the profiles, wherever that lives: who has joined it a moment ago
        could not be named. Who names the person later, names somebody new.
        """
        if erasure.after:
            for profile in erasure.profiles:
                self._tombstones.remove(site, profile, received)
            return
        for device in erasure.subscribers:
            if self._homes.has_subscriber(site, device):
                self._erase_subscriber(site, device, erasure, entry, received, now)
        for profile in erasure.profiles:
            self._ledger.erase((site, profile))
            if self._homes.partitions > 1 and self._homes.has_profile(site, profile):
                self._tombstones.put(site, profile, received)

    def _erase_subscriber(self, site: int, device: str, erasure: Erasure, entry: str, received: int, now: int) -> None:
        subscriber = self._ledger.subscribers.get((site, device))
        if subscriber is None:
            return
        self._ledger.drop_subscriber(site, subscriber)
        if subscriber.profile in erasure.profiles:
            return  # which goes as well
        if not self._homes.has_profile(site, subscriber.profile):
            self._messages.leave(site, Left(device, subscriber.profile, entry), received)
        else:
            self._runs.changed((site, subscriber.profile))
            self._offering.close((site, subscriber.profile), entry, SUBSCRIBER, now)
