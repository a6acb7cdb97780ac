"""Erasing a person: the engine is told at once, and a job sees to what it does not reach (semantics §1)."""

from collections.abc import Callable
from typing import Final

import msgspec

from clarion.control.explain.people import MOST_KEYS, Whom
from clarion.domain.ids import anonymous_profile, is_anonymous, partition_of_profile
from clarion.domain.records import Subscriber
from clarion.retention.erasing import Wanted, erasure_entries, erasure_job
from clarion.store.port import NotFound, Store
from clarion.store.records.jobs import Job
from clarion.store.records.sites import Site

MOST_LOOKED_UP: Final = 1_000
"""Anonymous profiles that are looked for: each logout of a subscriber made one, few have anything in them."""


async def erase_person(store: Store, site: Site, whom: Whom, now: int, new_id: Callable[[], str]) -> Job:
    """Have nothing of a person left: profile, subscribers, runs, deliveries, and what log, explanations and exports say of them.

    Returns the job that tells how far that is; pushes and runs end with the ERASE entries. Raises NotFound.
    """
    key = await whom.key(store, site)
    partition = partition_of_profile(site.id, key, store.partitions)
    subscribers = await store.subscribers_of(partition, site.id, [key])
    try:
        await store.profile(site.id, key, 1)
    except NotFound:
        if not subscribers:
            raise NotFound("there is no such profile: nothing has ever come for it, or it was erased — see: clarion jobs list") from None
    keys = await keys_of(store, site, key, subscribers)
    hashes = tuple(one.device_token_hash for one in subscribers)
    # the job first: should the process end in between, who works the job off puts the entries
    job = erasure_job(site.id, new_id(), keys, hashes, now)
    await store.put_job(job)
    await store.append(erasure_entries(job, store.partitions))
    return job


def erased_subscribers(job: Job) -> tuple[str, ...]:
    """The device_token_hashes of an erasure that has just begun."""
    return msgspec.json.decode(job.body, type=Wanted).subscribers


async def keys_of(store: Store, site: Site, key: str, subscribers: list[Subscriber]) -> tuple[str, ...]:
    """Keys of the profile and of the anonymous ones that have become part of it, at most MOST_KEYS; of a lone subscriber all it had."""
    found = [key]
    others = [anonymous_profile(one.device_token_hash, logouts) for one in subscribers for logouts in range(one.logouts, -1, -1)]
    for other in others[:MOST_LOOKED_UP]:
        if other != key and len(found) < MOST_KEYS:
            try:
                profile = (await store.profile(site.id, other, 1)).profile
            except NotFound:
                continue
            if profile.merged == key or (profile.merged is None and is_anonymous(key)):
                found.append(other)
    return tuple(found)
