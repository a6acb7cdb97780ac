"""Settings of a site that can change an outcome; the engines take a change from the log, as they take everything."""

from collections.abc import Callable

import msgspec

from clarion.control.errors import Invalid
from clarion.control.names import read_name
from clarion.control.sites import find_site, read_subject, read_timezone
from clarion.domain.records import FrequencyCap
from clarion.store.port import Store
from clarion.store.records.bodies import SiteChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site
from clarion.workflow.settings import FrequencyCapShape
from clarion.workflow.shapes import Reading
from clarion.workflow.source import spell


class SiteSettings(msgspec.Struct, frozen=True):
    """What is to change; what is not given stays."""

    name: str | None = None
    timezone: str | None = None
    """IANA name."""
    frequency_cap: object = msgspec.UNSET
    """`{"pushes": 3, "per": "1d"}`, or None for no cap."""
    vapid_subject: str | None = None
    """As at `create_site`; pushes that wait for a retry tell the new one."""


async def change_site(store: Store, site: Site, wanted: SiteSettings, now: int, new_id: Callable[[], str]) -> Site:
    """Change settings of a site, and tell every partition. Raises Invalid, and NotFound for a site that is not there any more."""
    before = await find_site(store, str(site.id))
    after = msgspec.structs.replace(
        before,
        name=before.name if wanted.name is None else read_name(wanted.name),
        timezone=before.timezone if wanted.timezone is None else read_timezone(wanted.timezone),
        frequency_cap=before.frequency_cap if wanted.frequency_cap is msgspec.UNSET else read_frequency_cap(wanted.frequency_cap),
        vapid_subject=before.vapid_subject if wanted.vapid_subject is None else read_subject(wanted.vapid_subject),
    )
    if after == before:
        return before
    body = msgspec.json.encode(SiteChange(after.timezone, after.frequency_cap))
    entries = [NewEntry(EntryKind.SITE, site.id, new_id(), body, now, partition) for partition in range(store.partitions)]
    return await store.update_site(after, entries)


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
