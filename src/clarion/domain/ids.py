"""Stable ids and the partition function: the same for ever, on every store."""

import hashlib

PROFILE_NAMED = "n:"
PROFILE_ANONYMOUS = "a:"


def digest(*parts: str) -> str:
    """32 hexadecimal characters that depend on every part and on where each part ends."""
    hashed = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode()
        hashed.update(len(raw).to_bytes(4, "big"))
        hashed.update(raw)
    return hashed.hexdigest()


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


def named_profile(profile_id: str) -> str:
    """Key of the profile that the outside calls `profile_id`."""
    return PROFILE_NAMED + profile_id


def anonymous_profile(device_token_hash: str) -> str:
    """Key of the profile that a lone subscriber has of its own."""
    return PROFILE_ANONYMOUS + device_token_hash


def public_profile_id(profile: str) -> str | None:
    """The `profile_id` behind a profile's key; None for an anonymous profile."""
    return profile.removeprefix(PROFILE_NAMED) if profile.startswith(PROFILE_NAMED) else None


def partition_of_profile(site: int, profile: str, count: int) -> int:
    """Partition that a profile lives in, by its key: that of its `profile_id`, or of its lone subscriber."""
    value = profile.removeprefix(PROFILE_NAMED if profile.startswith(PROFILE_NAMED) else PROFILE_ANONYMOUS)
    return partition_of(site, value, count)


def partition_of(site: int, value: str, count: int) -> int:
    """Partition of a `profile_id` or `device_token_hash`.

    BLAKE2b (RFC 7693) with an 8-byte digest over the site as 8 bytes, big-endian, then the value in UTF-8; the digest read
    big-endian, modulo the number of partitions.
    """
    if count == 1:
        return 0
    hashed = hashlib.blake2b(site.to_bytes(8, "big") + value.encode(), digest_size=8)
    return int.from_bytes(hashed.digest(), "big") % count
