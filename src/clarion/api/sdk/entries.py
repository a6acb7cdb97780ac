"""Entries of one request: what SDKs change goes the way of what `/api/v1` changes."""

from collections.abc import Callable

import msgspec

from clarion.control.people_entries import device_entry, profile_entry, registration_entry
from clarion.store.port import Store
from clarion.store.records.bodies import ProfileChange, SubscriberChange, SubscriberPut
from clarion.store.records.entries import NewEntry
from clarion.store.records.sites import Site


class Entries(msgspec.Struct, frozen=True):
    """Makes them, each with an id of its own."""

    store: Store
    site: Site
    now: int
    new_id: Callable[[], str]

    def put(self, put: SubscriberPut) -> NewEntry:
        """A registration."""
        return registration_entry(self.store, self.site, put, self.now, self.new_id())

    def device(self, change: SubscriberChange) -> NewEntry:
        """A change of a subscriber."""
        return device_entry(self.store, self.site, change, self.now, self.new_id())

    def profile(self, device_token_hash: str, change: ProfileChange) -> NewEntry:
        """A change of the profile that a subscriber belongs to."""
        whose = msgspec.structs.replace(change, device_token_hash=device_token_hash)
        return profile_entry(self.store, self.site, whose, self.now, self.new_id())
