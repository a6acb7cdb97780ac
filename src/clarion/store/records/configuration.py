"""All small configuration."""

import msgspec

from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import ApiKey, Secret, Site, SiteKey
from clarion.store.records.workflows import WorkflowRow


class Configuration(msgspec.Struct, frozen=True):
    """All small configuration, read whole; `generation` grows with every change to it but to drafts and to
    broadcasts that go on, which nobody acts on.
    """

    generation: int
    sites: list[Site]
    keys: list[ApiKey]
    workflows: list[WorkflowRow]
    """All, and of broadcasts those that are paused or stopped: of the others nobody has to know at any time."""
    secrets: list[Secret] = []
    site_keys: list[SiteKey] = []
    segments: list[SegmentRow] = []
