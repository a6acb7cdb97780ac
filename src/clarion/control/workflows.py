"""Workflows: found, published, taken from one status to another. Each change is one commit that also tells every partition."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Final

import msgspec

from clarion.clock import HOUR
from clarion.control.errors import Conflict, Invalid
from clarion.domain.durations import parse_duration
from clarion.domain.ids import is_broadcast
from clarion.store.port import Changed, NotFound, Store
from clarion.store.records.bodies import WorkflowChange
from clarion.store.records.entries import EntryKind, NewEntry
from clarion.store.records.sites import Site
from clarion.store.records.workflows import WorkflowRow, WorkflowVersion
from clarion.workflow.fields import SLUG
from clarion.workflow.shapes import INVALID, Reading
from clarion.workflow.source import Document, canonical, read_document

SKIP_OLDER_THAN: Final = 24 * HOUR
"""After a pause, pushes that were held for longer are stale unless said otherwise (semantics §7)."""

RUNS: Final = ("keep", "move", "end")
"""What publishing can mean to runs in flight: they finish on their version, go on in the new one, or end (semantics §7)."""

ENDED: Final = ("draining", "archived")
"""Statuses from which publishing makes a workflow active again."""


_MOST_TRIES: Final = 3
"""Times that a change of status begins anew because somebody else was faster."""


class Transition(msgspec.Struct, frozen=True):
    """A way from some statuses to another one."""

    since: tuple[str, ...]
    becomes: str
    done: str
    """What is said of a workflow that went this way."""
    entry: str
    """Change that the engines are told."""


TRANSITIONS: Final[Mapping[str, Transition]] = MappingProxyType(
    {
        "pause": Transition(("active",), "paused", "paused", "pause"),
        "resume": Transition(("paused",), "active", "resumed", "resume"),
        "drain": Transition(("active", "paused"), "draining", "drained", "drain"),
        "activate": Transition(("draining",), "active", "activated", "resume"),
        "archive": Transition(("active", "draining", "paused"), "archived", "archived", "archive"),
    }
)
"""What an operator can do to a workflow that was published."""

_INSTEAD: Final = {
    "draft": "publish it first: clarion workflows publish {}",
    "draining": "let it start again first: clarion workflows activate {}",
    "paused": "let it go on first: clarion workflows resume {}",
    "archived": "publish it to make it active again: clarion workflows publish {}",
}


class Published(msgspec.Struct, frozen=True):
    """What publishing came to."""

    row: WorkflowRow
    created: bool
    """Whether that made a new version; a document that says what the current version says makes none."""
    reactivated: bool
    """Whether a workflow that was draining or archived is active again."""
    runs: str = "keep"
    """What becomes of runs in flight on earlier versions: one of `RUNS`."""


async def publish_workflow(store: Store, site: Site, text: str, now: int, new_id: Callable[[], str]) -> tuple[WorkflowRow, bool]:
    """Publish the document in a text; runs in flight stay on their versions. Returns the workflow, and whether it has a new version.

    Raises DocumentInvalid with every problem found.
    """
    published = await publish_document(store, site, read_document(text), text, now, new_id)
    return published.row, published.created


async def publish_document(
    store: Store, site: Site, document: Document, source: str, now: int, new_id: Callable[[], str], runs: str = "keep"
) -> Published:
    """Publish a document; `runs`, one of `RUNS`, says what becomes of runs in flight. Raises Invalid.

    One that equals the current version makes no new one: its source is kept, runs in flight on earlier versions are told what `runs` says,
    and a workflow that is draining or archived is active again.
    """
    slug = check_slug(document.workflow)
    runs = read_runs(runs)
    before = await known_workflow(store, site, slug)
    version = WorkflowVersion(site=site.id, workflow=slug, version=0, document=msgspec.Raw(canonical(document)), source=source, created=now)
    entries = _entries(store, site, WorkflowChange(workflow=slug, change="publish", runs=runs), now, new_id)
    row = await store.publish(version, document.name, entries)
    created = row.version != (0 if before is None else before.version)
    return Published(row, created, before is not None and before.status in ENDED and row.status == "active", runs)


async def change_status(
    store: Store,
    site: Site,
    workflow: str,
    change: str,
    now: int,
    new_id: Callable[[], str],
    skip_older_than: int = SKIP_OLDER_THAN,
) -> WorkflowRow:
    """Take a workflow from one status to another, as `TRANSITIONS` has it; where it is there already, nothing changes.

    At the end of a pause, pushes that were held for more than `skip_older_than` microseconds end as `stale`; where the pause ends because
    the workflow is archived, all of them do. Raises NotFound, and Conflict where no such way leads from its status, or it is a broadcast.
    """
    if is_broadcast(workflow):
        raise Conflict(f"{workflow} is a broadcast — see: clarion broadcasts list")
    return await move_status(store, site, workflow, change, now, new_id, skip_older_than)


async def move_status(
    store: Store,
    site: Site,
    workflow: str,
    change: str,
    now: int,
    new_id: Callable[[], str],
    skip_older_than: int = SKIP_OLDER_THAN,
) -> WorkflowRow:
    """As `change_status`, of a broadcast too."""
    transition = TRANSITIONS[change]
    for _ in range(_MOST_TRIES):
        row = await find_workflow(store, site, workflow)
        if row.status == transition.becomes:
            return row
        if row.status not in transition.since:
            raise Conflict(f"{workflow} is {_said(row.status)} and cannot be {transition.done} — {_INSTEAD[row.status].format(workflow)}")
        skip = None if row.status != "paused" else 0 if change == "archive" else skip_older_than
        told = WorkflowChange(workflow=workflow, change=transition.entry, skip_older_than=skip)
        entries = _entries(store, site, told, now, new_id)
        with suppress(Changed):
            return await store.set_workflow_status(site.id, workflow, row.status, transition.becomes, now, entries)
    raise Conflict(f"{workflow} is being changed by somebody else — look at it and try again: clarion workflows list")


def read_skip_older_than(text: str) -> int:
    """Microseconds of a duration such as `24h`. Raises Invalid."""
    try:
        return parse_duration(text)
    except ValueError as error:
        raise Invalid("skip_older_than", f"skip_older_than {error} — for example 24h") from None


def read_runs(text: str) -> str:
    """One of `RUNS`. Raises Invalid."""
    if text not in RUNS:
        raise Invalid("runs", f"runs must be one of {', '.join(RUNS)}")
    return text


def check_slug(slug: str) -> str:
    """A slug that a workflow may have. Raises Invalid."""
    reading = Reading()
    if SLUG.read(slug, ("workflow",), reading) is INVALID:
        raise Invalid("workflow", f"workflow {reading.found[0].message}")
    if is_broadcast(slug):
        raise Invalid("workflow", f"workflow {slug} would be taken for a broadcast — choose another slug")
    return slug


async def find_workflow(store: Store, site: Site, workflow: str) -> WorkflowRow:
    """The workflow with a slug. Raises NotFound."""
    row = await known_workflow(store, site, workflow)
    if row is None:
        raise NotFound(f"there is no workflow {workflow[:64]} — see: clarion workflows list")
    return row


async def list_workflows(store: Store, site: Site) -> list[WorkflowRow]:
    """All workflows of a site but its broadcasts, by slug."""
    rows = (await store.configuration()).workflows
    return sorted((row for row in rows if row.site == site.id and not is_broadcast(row.workflow)), key=lambda row: row.workflow)


async def known_workflow(store: Store, site: Site, workflow: str) -> WorkflowRow | None:
    """The workflow with a slug, which may be a broadcast's; None where there is none."""
    try:
        return await store.workflow(site.id, workflow)
    except NotFound:
        return None


def _said(status: str) -> str:
    return "a draft" if status == "draft" else status


def _entries(store: Store, site: Site, change: WorkflowChange, now: int, new_id: Callable[[], str]) -> list[NewEntry]:
    body = msgspec.json.encode(change)
    return [
        NewEntry(kind=EntryKind.WORKFLOW, site=site.id, id=new_id(), body=body, received=now, partition=partition)
        for partition in range(store.partitions)
    ]
