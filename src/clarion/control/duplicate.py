"""Duplicates: a workflow's document under another slug, its comments and layout as they were."""

import json
import re
from typing import Any, Final

from clarion.control.drafts import Judged, Read, save_draft
from clarion.control.errors import Conflict, Invalid
from clarion.control.workflows import check_slug, find_workflow, list_workflows
from clarion.store.port import Store
from clarion.store.records.sites import Site
from clarion.workflow.text import TextRefused, read_text

_LINES: Final = re.compile(r"(?<=\n)|(?<=\r)(?!\n)")
"""Behind what ends a line (YAML 1.2.2 §5.4)."""


async def duplicate_workflow(store: Store, site: Site, workflow: str, new: str, now: int, read: Read) -> Judged:
    """Keep the current version of a workflow, or its draft if it was never published, as the draft of a workflow that is not there yet.

    Raises NotFound, Invalid, and Conflict where the new workflow exists.
    """
    check_slug(new)
    rows = {row.workflow for row in await list_workflows(store, site)}
    row = await find_workflow(store, site, workflow)
    if new in rows:
        raise Conflict(f"there is a workflow {new} already — choose another name")
    if row.version:
        text = (await store.workflow_version(site.id, workflow, row.version)).source
    else:
        text = (await store.draft(site.id, workflow)).source
    return await save_draft(store, site, new, renamed(text, new), now, read)


def renamed(text: str, slug: str) -> str:
    """A document's text with another slug and nothing else changed.

    Where the slug is written in a way that is not found in the text, the document is written anew. Raises Invalid where it cannot be read.
    """
    try:
        value, places = read_text(text)
    except TextRefused as refused:
        raise Invalid("workflow", f"the document cannot be read: line {refused.line}: {refused} — correct it first") from None
    if not isinstance(value, dict):
        raise Invalid("workflow", "the document is no object — correct it first")
    wanted = {**value, "workflow": slug}
    place = places.get(("workflow",))
    written = f"workflow: {slug}\n{text}" if place is None else _put(text, place, value["workflow"], slug)
    if written is not None and _says(written, wanted):
        return written
    return json.dumps(wanted, indent=2, ensure_ascii=False) + "\n"


def _put(text: str, place: tuple[int, int], known: Any, slug: str) -> str | None:
    """The text with a slug at a place in the stead of the known one; None where that is not written there."""
    line, column = place
    lines = _LINES.split(text)
    start = sum(len(before) for before in lines[: line - 1]) + column - 1
    for written in (f'"{known}"', f"'{known}'", str(known)):
        if text.startswith(written, start):
            quote = written[0] if written[0] in "\"'" else ""
            return f"{text[:start]}{quote}{slug}{quote}{text[start + len(written) :]}"
    return None


def _says(text: str, wanted: object) -> bool:
    try:
        return read_text(text)[0] == wanted
    except TextRefused:
        return False
