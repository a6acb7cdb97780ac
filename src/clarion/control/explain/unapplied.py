"""Events that came for a person and were not applied: those that wait in the inbox, and those that were set aside."""

from collections.abc import Collection, Iterable, Iterator
from typing import Final, TypeVar

import msgspec

from clarion.control.explain.people import Known, Whom
from clarion.store.port import Store
from clarion.store.records.entries import Entry
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.sites import Site
from clarion.workflow.explain.conclusion import Subject, Unapplied

MOST_INBOX: Final = 1_000
"""Events that wait and are looked at."""
MOST_SET_ASIDE: Final = 100
"""Events of a person that were set aside and are looked at."""


class Names(msgspec.Struct, frozen=True):
    """How events name a person."""

    profile_ids: tuple[str, ...]
    devices: tuple[str, ...]

    @classmethod
    def asked(cls, whom: Whom) -> "Names":
        """Of somebody who is not known."""
        return cls(_given(whom.profile_id), _given(whom.device_token_hash))

    @classmethod
    def known(cls, person: Known) -> "Names":
        """Of somebody who is."""
        return cls(_given(person.profile_id), person.devices)


class Inbox(msgspec.Struct, frozen=True):
    """Events of a site that wait for the engine, in the order of their arrival."""

    events: tuple[Entry, ...]
    whole: bool
    """Whether there were no more than were looked at."""


class _Named(msgspec.Struct):
    """As little of an event as can be read although the rest is why it was set aside."""

    name: str = ""
    profile_id: str | None = None
    device_token_hash: str | None = None
    workflow: str | None = None

    def is_of(self, names: Names) -> bool:
        """As the engine has it: a profile that is named decides."""
        return self.profile_id in names.profile_ids if self.profile_id is not None else self.device_token_hash in names.devices

    def is_for(self, subject: Subject) -> bool:
        return self.workflow == subject.workflow if self.workflow is not None else self.name in subject.events


class Pending(msgspec.Struct, frozen=True):
    """What of a person was not applied."""

    last: Unapplied | None
    """The last that the workflow listens for. What waits is later than what was set aside."""
    some: bool
    """Whether there is anything, for this workflow or not."""
    searched_all: bool
    """Whether there was no more set aside than was looked at."""


_Input = TypeVar("_Input", Entry, Poisoned)
_decode = msgspec.json.Decoder(_Named).decode


async def read_inbox(store: Store, site: Site) -> Inbox:
    """What waits. An event leaves it for the log: to miss none, it is read before that."""
    found = await store.waiting_events(site.id, MOST_INBOX)
    return Inbox(tuple(found), len(found) < MOST_INBOX)


async def read_pending(
    store: Store, site: Site, names: Names, subject: Subject, inbox: Inbox, applied: Collection[str] = frozenset()
) -> Pending:
    """What was not applied; `applied` are ids of events that may have left the inbox since it was read."""
    aside = await store.poisoned_events_about(site.id, names.profile_ids, names.devices, MOST_SET_ASIDE)
    left = {*applied, *(one.id for one in aside)}
    waiting = [(one, named) for one, named in _read(inbox.events) if named.is_of(names) and one.id not in left]
    found = [Unapplied(one.received, one.id, named.name) for one, named in reversed(waiting) if named.is_for(subject)]
    found += [Unapplied(one.at, one.id, named.name, one.error) for one, named in _read(aside) if named.is_for(subject)]
    return Pending(found[0] if found else None, bool(waiting or aside), len(aside) < MOST_SET_ASIDE)


def _read(inputs: Iterable[_Input]) -> Iterator[tuple[_Input, _Named]]:
    for one in inputs:
        try:
            yield one, _decode(one.body)
        except msgspec.MsgspecError:  # nobody's, and of no name
            continue


def _given(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)
