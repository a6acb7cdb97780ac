"""What is to be read for a batch, from what its inputs name: at first, and then once it is seen who is who."""

from typing import Final

import msgspec

from clarion.domain.ids import anonymous_profile, is_anonymous, lone_subscriber
from clarion.engine.homes import Homes
from clarion.engine.ledger import Remembered
from clarion.store.records.batches import Asked, Facts, MemoryKey, SiteProfile

_OF_DEVICE: Final = "device "
"""Ahead of a device_token_hash, where a profile's key may stand too."""


class Wanted:
    """Subscribers, profiles, memory and runs that a batch can touch."""

    def __init__(self, homes: Homes) -> None:
        self._homes = homes
        self._devices: dict[SiteProfile, None] = {}
        self._profiles: dict[SiteProfile, None] = {}
        self._memory: dict[MemoryKey, None] = {}
        self._joining: dict[SiteProfile, None] = {}
        self._merging: dict[SiteProfile, dict[str, None]] = {}
        """By profile that may become part of another: the keys of those that live here."""
        self._logouts: dict[tuple[int, str], int] = {}
        """By subscriber: how often it logs out."""
        self._runs: dict[str, None] = {}
        self._joined: dict[tuple[int, str], list[str]] = {}
        """By subscriber: the profiles that it may come to belong to in this batch, in order."""
        self._senders: dict[str, tuple[SiteProfile, str]] = {}
        """By run whose push somebody reports on: the subscriber, and the profile that it belonged to when the push went out."""

    def asked(self) -> Asked:
        """What to ask the store for."""
        profiles = [*self._profiles, *(one for one in self._merging if one not in self._profiles)]
        return Asked(list(self._devices), profiles, list(self._memory), list(self._joining), list(self._merging), list(self._runs))

    def asked_next(self, facts: Facts) -> Asked | None:
        """What to ask for once these facts are there; None: nothing.

        Where profiles become one, the later start of each workflow counts: what the named one remembers is needed under every key that the
        anonymous one has. And a push may have been sent by a run of another profile than its subscriber belongs to by now.
        """
        memory = self._joint_memory(facts) if self._joining or self._merging else []
        runs = self._strange_runs(facts) if self._senders else []
        profiles = self._further_profiles(facts)
        merging = self._left_behind(facts) if self._logouts else []
        self._memory |= dict.fromkeys(memory)
        self._profiles |= dict.fromkeys(profiles)
        self._merging |= {one: {} for one in merging}
        if not (memory or runs or profiles or merging):
            return None
        return Asked(profiles=[*profiles, *merging], memory=memory, merging=merging, runs=runs)

    def _further_profiles(self, facts: Facts) -> list[SiteProfile]:
        """What profiles have become part of, where that is here."""
        found = [
            SiteProfile(site, profile.merged)
            for site, profile in facts.profiles
            if profile.merged is not None and self._homes.has_profile(site, profile.merged)
        ]
        return [one for one in dict.fromkeys(found) if one not in self._profiles]

    def _left_behind(self, facts: Facts) -> list[SiteProfile]:
        """The anonymous profiles that subscribers get who log out, which may be there since they were known before; and may go again."""
        known = {(site, one.device_token_hash): one.logouts for site, one in facts.subscribers}
        found: dict[SiteProfile, None] = {}
        for (site, device), times in self._logouts.items():
            for first in {0, known.get((site, device), 0)}:  # the count begins anew with one that was forgotten
                found |= {SiteProfile(site, anonymous_profile(device, first + ordinal)): None for ordinal in range(1, times + 1)}
        return sorted((one for one in found if one not in self._merging), key=lambda one: (one.site, one.value))

    def _joint_memory(self, facts: Facts) -> list[MemoryKey]:
        """What the profiles remember that others become part of, under every key that those have."""
        keys: dict[tuple[int, str], dict[tuple[str, str], None]] = {}
        for known in facts.memory:
            keys.setdefault((known.site, known.profile), {})[known.workflow, known.key] = None
        for asked in self._memory:
            whose = asked.profile or _OF_DEVICE + (asked.device_token_hash or "")
            keys.setdefault((asked.site, whose), {})[asked.workflow, asked.key] = None
        found: dict[MemoryKey, None] = {}
        for (site, source), targets in self._sources(facts).items():
            theirs = keys.get((site, source), {}) | keys.get((site, _OF_DEVICE + lone_subscriber(source)), {})
            found |= {MemoryKey(site, *key, target): None for target in targets if target != source for key in theirs}
        return [key for key in found if key not in self._memory]

    def _sources(self, facts: Facts) -> dict[tuple[int, str], list[str]]:
        """By profile that may become part of others: the keys of those."""
        owners = {(site, one.device_token_hash): one.profile for site, one in facts.subscribers}
        found: dict[tuple[int, str], list[str]] = {(one.site, one.value): [*targets] for one, targets in self._merging.items()}
        for device in self._joining:
            site, own = device.site, anonymous_profile(device.value)
            targets = [target for target in self._joined.get((site, device.value), ()) if target != own]
            for source in dict.fromkeys((own, owners.get((site, device.value), own))):
                if is_anonymous(source):
                    found.setdefault((site, source), []).extend(targets)
        return found

    def _strange_runs(self, facts: Facts) -> list[str]:
        owners = {(site, one.device_token_hash): one.profile for site, one in facts.subscribers}
        strange = [run for run, (device, profile) in self._senders.items() if owners.get((device.site, device.value), profile) != profile]
        known = {row.id for row in facts.runs} if strange else set()
        return [run for run in strange if run not in known]

    def remembered(self, facts: Facts) -> Remembered:
        """Which memory was read, when all that was asked for is there."""
        if not self._memory and not self._joining and not self._merging:
            return Remembered(set())
        owners = {(site, one.device_token_hash): one.profile for site, one in facts.subscribers}
        keys = set()
        for one in self._memory:
            profile = one.profile or owners.get((one.site, one.device_token_hash or ""))
            if profile is not None:
                keys.add((one.site, one.workflow, profile, one.key))
        joining = [(one.site, owners.get((one.site, one.value))) for one in self._joining]
        joining += [(one.site, one.value) for one in self._merging]
        return Remembered(keys, {(site, profile) for site, profile in joining if profile is not None})


def together(facts: Facts, more: Facts) -> Facts:
    """What was asked for first and what was asked for next."""
    return msgspec.structs.replace(
        facts,
        subscribers=[*facts.subscribers, *more.subscribers],
        profiles=[*facts.profiles, *more.profiles],
        runs=[*facts.runs, *more.runs],
        memory=[*facts.memory, *more.memory],
    )
