"""What an engine reads before it applies a batch of inputs."""

from typing import Final

import msgspec

from clarion.domain.records import Profile, Subscriber
from clarion.store.records.entries import Entry
from clarion.store.records.runs import DueRun, EntryMemory, RunRow

TAKEN_BYTES: Final = 8 * 1024 * 1024
"""Of bodies that are taken from an inbox at once."""


class Taken(msgspec.Struct, frozen=True):
    """What waits for a partition's owner."""

    entries: list[Entry]
    due: list[DueRun]
    """Runs whose timer is due at or before the horizon, and profiles whose `recheck` is, by (due, id, site, profile)."""
    next_due: int | None
    """When the next timer after those in `due` is due; None when there is none."""
    more: bool = False
    """Whether fewer entries were taken than were asked for because they are large: the next wait."""


class SiteProfile(msgspec.Struct, frozen=True):
    """A profile or subscriber together with its site."""

    site: int
    value: str


class MemoryKey(msgspec.Struct, frozen=True):
    """Which entry memory is asked for: of a profile, or of the profile that a subscriber belongs to."""

    site: int
    workflow: str
    key: str
    profile: str | None = None
    device_token_hash: str | None = None


class Asked(msgspec.Struct):
    """What a batch of inputs can touch, for `Store.facts`."""

    named: list[SiteProfile] = []
    """Values are device_token_hashes; the profiles that they belong to are concerned too."""
    profiles: list[SiteProfile] = []
    """Values are keys of profiles."""
    memory: list[MemoryKey] = []
    joining: list[SiteProfile] = []
    """Values are device_token_hashes whose profile is to be joined to another: all of its memory and its failed runs are read."""
    merging: list[SiteProfile] = []
    """Values are keys of profiles that are to be joined to others: the same is read of them. They are among `profiles` too."""
    runs: list[str] = []
    """Ids of runs; the profiles that they belong to are concerned too."""

    @property
    def is_anything(self) -> bool:
        """Whether there is anything to read."""
        return bool(self.named or self.profiles or self.memory or self.joining or self.runs)


class Facts(msgspec.Struct, frozen=True):
    """All that a batch of inputs can touch, read at once."""

    subscribers: list[tuple[int, Subscriber]]
    """With its site: every subscriber that was named, every active one of every profile concerned, and those that the entry events of the
    runs named."""
    profiles: list[tuple[int, Profile]]
    """With its site."""
    runs: list[RunRow]
    """Of every profile concerned, those that wait and those whose goal is still open; the newest failed ones of the profiles that are to
    be joined to others; and those asked for, whatever their status."""
    memory: list[EntryMemory]
    """What was asked for, and all of the profiles that are to be joined to others."""
