"""Stable ids and the partition function: the same for ever, on every store."""

import hashlib

PROFILE_NAMED = "n:"
_BROADCAST = "broadcast-"


def digest(*parts: str) -> str:
    """32 hexadecimal characters that depend on every part and on where each part ends."""
    hashed = bytearray()
    for part in parts:
        raw = part.encode()
        hashed += len(raw).to_bytes(4, "big")
        hashed += raw
    return hashlib.blake2b(hashed, digest_size=16).hexdigest()


def run_id(site: int, workflow: str, event_id: str, key: str | None) -> str:
    """Id of the run that an entry event starts; no version or partition goes in (design §3.5)."""
    return digest("run", str(site), workflow, event_id, "" if key is None else "=" + key)


def effect_id(run: str, step: str, visit: int) -> str:
    """Id of what a visit to a step wants done; goes along on the wire (design §3.5)."""
    return digest("effect", run, step, str(visit))


def delivery_id(effect: str, subscriber: str | None) -> str:
    """Id of one effect on its way to one receiver: the effect's own where there is only one receiver."""
    return effect if subscriber is None else digest("delivery", effect, subscriber)


def caused_event_id(cause: str, name: str, ordinal: int) -> str:
    """Id of the event that an entry or an effect causes; stable when the cause is applied again."""
    return digest("event", cause, name, str(ordinal))


def broadcast_workflow(broadcast: str) -> str:
    """Slug of the workflow that a broadcast is."""
    return _BROADCAST + broadcast


def is_broadcast(workflow: str) -> bool:
    """Whether a slug is that of a broadcast's workflow: `broadcast-` and 16 hexadecimal characters."""
    id = workflow.removeprefix(_BROADCAST)
    return id != workflow and len(id) == 16 and not id.strip("0123456789abcdef")


def named_profile(profile_id: str) -> str:
    """Key of the profile that the outside calls `profile_id`."""
    return PROFILE_NAMED + profile_id


def anonymous_profile(device_token_hash: str, logouts: int = 0) -> str:
    """Key of the profile that a lone subscriber has of its own; a new one after each time that it has logged out."""
    return f"a{logouts or ''}:{device_token_hash}"


def is_anonymous(profile: str) -> bool:
    """Whether a profile's key is that of an anonymous one."""
    return not profile.startswith(PROFILE_NAMED)


def lone_subscriber(profile: str) -> str:
    """The device_token_hash that an anonymous profile was made for."""
    return profile.partition(":")[2]


def public_profile_id(profile: str) -> str | None:
    """The `profile_id` behind a profile's key; None for an anonymous profile."""
    return profile.removeprefix(PROFILE_NAMED) if profile.startswith(PROFILE_NAMED) else None


def partition_of_profile(site: int, profile: str, count: int) -> int:
    """Partition that a profile lives in, by its key: that of its `profile_id`, or of its lone subscriber."""
    return partition_of(site, profile.partition(":")[2], count)


def partition_of(site: int, value: str, count: int) -> int:
    """Partition of a `profile_id` or `device_token_hash`.

    BLAKE2b (RFC 7693) with an 8-byte digest over the site as 8 bytes, big-endian, then the value in UTF-8; the digest read
    big-endian, modulo the number of partitions.
    """
    if count == 1:
        return 0
    hashed = hashlib.blake2b(site.to_bytes(8, "big") + value.encode(), digest_size=8)
    return int.from_bytes(hashed.digest(), "big") % count
