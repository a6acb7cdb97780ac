"""Workflows as their operators know them: versions, drafts, status."""

import msgspec


class WorkflowVersion(msgspec.Struct, frozen=True):
    """One immutable version of a workflow's document."""

    site: int
    workflow: str
    version: int
    document: msgspec.Raw
    """Canonical JSON of the document."""
    source: str
    """The text as it was last applied, YAML or JSON: comments and layout may change, what it says does not."""
    created: int


class WorkflowDraft(msgspec.Struct, frozen=True):
    """A document that is being worked on; it need not be valid."""

    site: int
    workflow: str
    source: str
    saved: int


class WorkflowRow(msgspec.Struct, frozen=True):
    """A workflow as its operator sees it."""

    site: int
    workflow: str
    name: str
    version: int
    """The latest published one; 0 for a draft that never was."""
    status: str
    """draft, active, draining, paused, archived."""
    changed: int
    draft: int | None = None
    """When its draft was saved; None where it has none."""
