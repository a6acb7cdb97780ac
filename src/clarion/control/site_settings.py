"""Settings of a site that can change an outcome; the engines take a change from the log, as they take everything."""

import re
from collections.abc import Callable
from typing import Final

import msgspec

from clarion.control.errors import Invalid
from clarion.control.names import read_name
from clarion.control.sites import find_site, read_subject, read_timezone
from clarion.domain.problems import quoted
from clarion.domain.records import FrequencyCap
from clarion.store.port import Store
from clarion.store.records.bodies import SiteChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site
from clarion.workflow.settings import FrequencyCapShape
from clarion.workflow.shapes import Reading
from clarion.workflow.source import spell

MOST_ORIGINS: Final = 100
LONGEST_ORIGIN: Final = 300
"""Characters."""
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_ORIGIN: Final = re.compile(r"(https?)://([a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?")


class SiteSettings(msgspec.Struct, frozen=True):
    """What is to change; what is not given stays."""

    name: str | None = None
    timezone: str | None = None
    """IANA name."""
    frequency_cap: object = msgspec.UNSET
    """`{"pushes": 3, "per": "1d"}`, or None for no cap."""
    vapid_subject: str | None = None
    """As at `create_site`; pushes that wait for a retry tell the new one."""
    origins: object = None
    """List of origins (RFC 6454 §6.2) whose pages may use `/p/v1`; an empty one: any."""
    dangerous_unsigned_profiles: object = None
    """True: `/p/v1` takes a `profile_id` without a signature, so that whoever knows one can join it."""


async def change_site(store: Store, site: Site, wanted: SiteSettings, now: int, new_id: Callable[[], str]) -> Site:
    """Change settings of a site, and tell every partition. Raises Invalid, and NotFound for a site that is not there any more."""
    before = await find_site(store, str(site.id))
    after = msgspec.structs.replace(
        before,
        name=before.name if wanted.name is None else read_name(wanted.name),
        timezone=before.timezone if wanted.timezone is None else read_timezone(wanted.timezone),
        frequency_cap=before.frequency_cap if wanted.frequency_cap is msgspec.UNSET else read_frequency_cap(wanted.frequency_cap),
        vapid_subject=before.vapid_subject if wanted.vapid_subject is None else read_subject(wanted.vapid_subject),
        origins=before.origins if wanted.origins is None else read_origins(wanted.origins),
        dangerous_unsigned_profiles=_read_switch(before, wanted.dangerous_unsigned_profiles),
    )
    if after == before:
        return before
    body = msgspec.json.encode(SiteChange(after.timezone, after.frequency_cap))
    entries = [NewEntry(EntryKind.SITE, site.id, new_id(), body, now, partition) for partition in range(store.partitions)]
    return await store.update_site(after, entries)


def read_origins(value: object) -> tuple[str, ...]:
    """Origins as browsers send them: scheme, host, and the port where it is not the default, in lower case, each once. Raises Invalid."""
    if not isinstance(value, list | tuple) or len(value) > MOST_ORIGINS:
        raise Invalid("origins", f"origins must be a list of at most {MOST_ORIGINS} origins, such as https://shop.example")
    return tuple(dict.fromkeys(_read_origin(one) for one in value))


def _read_origin(value: object) -> str:
    said = f"origin {quoted(str(value)[:100])} is none — give scheme and host, and a port that is not the default: https://shop.example"
    if not isinstance(value, str) or len(value) > LONGEST_ORIGIN:
        raise Invalid("origins", said)
    found = _ORIGIN.fullmatch(value.rstrip("/").lower())
    if found is None:
        raise Invalid("origins", said)
    scheme, host, port = found.groups()
    if port is None or int(port) == _DEFAULT_PORTS[scheme]:
        return f"{scheme}://{host}"
    if not 0 < int(port) < 65_536:
        raise Invalid("origins", said)
    return f"{scheme}://{host}:{int(port)}"


def _read_switch(before: Site, wanted: object) -> bool:
    if wanted is None:
        return before.dangerous_unsigned_profiles
    if not isinstance(wanted, bool):
        raise Invalid("dangerous_unsigned_profiles", "dangerous_unsigned_profiles must be true or false")
    return wanted


def read_frequency_cap(value: object) -> FrequencyCap | None:
    """A cap with the limits that a workflow's has; None for None. Raises Invalid."""
    if value is None:
        return None
    reading = Reading()
    cap = FrequencyCapShape().read(value, ("frequency_cap",), reading)
    if isinstance(cap, FrequencyCap):
        return cap
    problem = reading.found[0]
    raise Invalid(spell(problem.path), f"{spell(problem.path)} {problem.message}")
