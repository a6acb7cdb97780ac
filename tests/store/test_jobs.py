"""Long work: kept, found, and forgotten once it is over."""

import msgspec
import pytest
from tests.store.builders import NOW, SITE

from clarion.store.port import NotFound, Store
from clarion.store.records.jobs import Job


def job(id_: str, **fields: object) -> Job:
    known = Job(SITE, id_, "import", "running", msgspec.Raw(b'{"rows":1.50,"text":"\\u0000 \\u00e9"}'), NOW, NOW)
    return msgspec.structs.replace(known, **fields)


async def test_a_job_is_read_as_it_was_kept_and_when_it_was_made_stays(store: Store) -> None:
    await store.put_job(job("a"))
    assert await store.job(SITE, "a") == job("a")
    later = job("a", kind="export", status="done", body=msgspec.Raw(b"[]"), created=NOW + 5, changed=NOW + 5)
    await store.put_job(later)
    assert await store.job(SITE, "a") == msgspec.structs.replace(later, created=NOW)


async def test_a_job_is_its_sites(store: Store) -> None:
    await store.put_job(job("a"))
    await store.put_job(job("a", site=2, status="done"))
    assert (await store.job(SITE, "a")).status == "running"
    assert (await store.job(2, "a")).status == "done"
    for site, id_ in ((3, "a"), (SITE, "b"), (SITE, "a\0")):
        with pytest.raises(NotFound):
            await store.job(site, id_)


async def test_jobs_come_newest_first_of_what_was_asked_for(store: Store) -> None:
    made = [
        job("d", created=NOW + 3),
        job("c", created=NOW + 2, status="done"),
        job("f", created=NOW + 1, kind="erasure", site=2),
        job("b", created=NOW + 1, kind="erasure"),
        job("a", created=NOW, status="failed", kind="export", site=2),
    ]
    for one in reversed(made):
        await store.put_job(one)
    for site in (None, SITE, 2, 3):
        for kind in (None, "import", "erasure", "none"):
            for status in (None, "running", "done", "failed", "none"):
                wanted = [one for one in made if site in (None, one.site) and kind in (None, one.kind) and status in (None, one.status)]
                assert await store.jobs(site, kind, status, 10) == wanted
    assert await store.jobs(None, None, None, 2) == made[:2]
    assert await store.jobs(SITE, None, "running", 1) == made[:1]


async def test_what_is_over_is_forgotten_in_steps_and_what_runs_never(store: Store) -> None:
    for number, status in enumerate(("done", "failed", "stopped", "running", "done")):
        await store.put_job(job(status + str(number), status=status, changed=NOW + number))
    assert await store.forget_jobs(NOW, 10) == 0
    assert [await store.forget_jobs(NOW + 4, 2) for _ in range(3)] == [2, 1, 0]
    assert {one.id for one in await store.jobs(None, None, None, 10)} == {"running3", "done4"}
    assert await store.forget_jobs(NOW + 5, 2) == 1


async def test_a_job_is_replaced_only_if_it_is_as_it_was_read(store: Store) -> None:
    await store.put_job(job("a"))
    read = await store.job(SITE, "a")
    first = job("a", status="done", body=msgspec.Raw(b'{"rows":2}'), changed=NOW + 1)
    assert await store.replace_job(read, first)
    assert not await store.replace_job(read, job("a", body=msgspec.Raw(b'{"rows":3}')))
    assert await store.job(SITE, "a") == first
    assert await store.replace_job(first, first)
    assert not await store.replace_job(job("b"), job("b"))
