"""Plans: what publishing a document would change, and what each choice would mean to runs in flight."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import msgspec

from clarion.control.workflows import check_slug, list_workflows
from clarion.store.port import Store
from clarion.store.records.runs import RunCount
from clarion.store.records.sites import Site
from clarion.workflow.document import KINDS
from clarion.workflow.source import Document, canonical


class Plan(msgspec.Struct, frozen=True):
    """What publishing a document would do."""

    workflow: str
    status: str | None
    """The workflow's now; None where there is none yet."""
    version: int
    """Number of the version that would be current."""
    unchanged: bool
    """Whether the document says what the current version says, so that there is no new version."""
    parts: list[str]
    """Keys of the document, but `steps`, whose values differ."""
    added: list[str]
    """Ids of steps."""
    removed: list[str]
    changed: list[str]
    """Ids of steps that say something else, or stand in another branch; what stands inside a step counts for itself."""
    reordered: bool
    """Whether steps that stay follow each other in another order."""
    in_flight: int
    """Runs of the workflow."""
    touched: int
    """Those on other versions than the one that would be current: `keep` lets them finish there, `end` ends them."""
    going_on: int
    """With `move`: those whose step is there."""
    stranded: dict[str, int]
    """With `move`: those that exit because their step is not there, by step."""


async def plan_document(store: Store, site: Site, document: Document) -> Plan:
    """Say what publishing a document would do; changes nothing. Raises Invalid."""
    slug = check_slug(document.workflow)
    row = next((row for row in await list_workflows(store, site) if row.workflow == slug), None)
    published = row is not None and row.version > 0
    before: dict[str, Any] = {}
    counts: list[RunCount] = []
    unchanged = False
    if row is not None and published:
        stored = bytes((await store.workflow_version(site.id, slug, row.version)).document)
        before = msgspec.json.decode(stored)
        unchanged = stored == canonical(document)
        counts = await store.run_counts(site.id, slug)
    version = (row.version if row else 0) + (not unchanged)
    behind = [count for count in counts if count.version < version]
    old, new = dict(steps_of(before)), dict(steps_of(document.value))
    stays = [step for step in new if step in old]
    return Plan(
        workflow=slug,
        status=None if row is None else row.status,
        version=version,
        unchanged=unchanged,
        parts=sorted(key for key in {*before, *document.value} - {"steps"} if before.get(key) != document.value.get(key))
        if published
        else [],
        added=[step for step in new if step not in old],
        removed=[step for step in old if step not in new],
        changed=[step for step in stays if old[step] != new[step]],
        reordered=stays != [step for step in old if step in new],
        in_flight=sum(count.count for count in counts),
        touched=sum(count.count for count in behind),
        going_on=sum(count.count for count in behind if count.step in new),
        stranded=_by_step(count for count in behind if count.step not in new),
    )


def steps_of(document: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The steps of a document as plain values, in its order: id, and where it stands with what it says without the steps inside."""
    yield from _steps(document.get("steps"), ())


def _steps(steps: object, branch: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    for step in steps if isinstance(steps, list) else []:
        kind = next((name for name in step if name in KINDS), None)
        inside = [] if kind is None else list(KINDS[kind].nested(step[kind]))
        own = deepcopy(step)
        for path, _ in inside:
            _remove(own[kind], path)
        yield step["id"], (branch, own)
        for path, nested in inside:
            yield from _steps(nested, (step["id"], *path))


def _remove(value: Any, path: tuple[str | int, ...]) -> None:
    for part in path[:-1]:
        value = value[part]
    value.pop(path[-1], None)


def _by_step(counts: Iterator[RunCount]) -> dict[str, int]:
    found: dict[str, int] = {}
    for count in counts:
        found[count.step] = found.get(count.step, 0) + count.count
    return dict(sorted(found.items()))
