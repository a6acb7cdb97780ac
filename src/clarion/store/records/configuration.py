"""All small configuration."""

import msgspec

from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import ApiKey, Secret, Site, SiteKey
from clarion.store.records.workflows import WorkflowRow


class Configuration(msgspec.Struct, frozen=True):
    """All small configuration, read whole; `generation` grows with every change to it but to drafts, which nobody acts on."""

    generation: int
    sites: list[Site]
    keys: list[ApiKey]
    workflows: list[WorkflowRow]
    secrets: list[Secret] = []
    site_keys: list[SiteKey] = []
    segments: list[SegmentRow] = []
