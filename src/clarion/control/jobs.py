"""Jobs: long work that somebody asked for."""

from typing import Final

from clarion.control.errors import Invalid
from clarion.store.port import NotFound, Store
from clarion.store.records.jobs import Job
from clarion.store.records.sites import Site

KINDS: Final = ("import", "export", "erasure")
STATUSES: Final = ("running", "done", "failed", "stopped")
MOST: Final = 1_000


async def find_job(store: Store, site: Site, id: str) -> Job:
    """One job of a site. Raises NotFound."""
    try:
        return await store.job(site.id, id)
    except NotFound:
        raise NotFound(f"there is no job {id[:64]} — see: clarion jobs list") from None


async def list_jobs(store: Store, site: Site, kind: str | None, status: str | None, limit: int) -> list[Job]:
    """The newest jobs, of one kind or status where that is given. Raises Invalid."""
    for name, given, known in (("kind", kind, KINDS), ("status", status, STATUSES)):
        if given is not None and given not in known:
            raise Invalid(name, f"{name} must be one of {', '.join(known)}")
    return await store.jobs(site.id, kind, status, min(limit, MOST))
