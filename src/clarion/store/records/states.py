"""What a partition's log says of its configuration, and where its owner stands."""

from typing import Any

import msgspec

from clarion.domain.records import FrequencyCap


class Directive(msgspec.Struct, frozen=True):
    """What a change of a workflow means to its runs in flight: each applies it before its next input (semantics §7)."""

    version: int
    """Runs of earlier versions are concerned."""
    runs: str
    """`move`: go on in this version; or why they end: `ended` by a publish, `archived`."""
    at: int
    """Log time of the change."""
    number: int = 0
    """Grows among all of its workflow: from when the change was asked for, which is the same in every partition, while its log time is not,
    also where one of them could not apply an earlier one."""


class WorkflowState(msgspec.Struct, frozen=True):
    """What a partition's log says of a workflow at this point of the log."""

    site: int
    workflow: str
    version: int
    status: str
    """active, draining, paused, archived."""
    stale_before: int = 0
    """From the last resume: a push whose time had come before this one is stale."""
    directives: tuple[Directive, ...] = ()
    """What publishing said of runs in flight, as long as some run may not have heard of it, in log order."""
    heard: tuple[Directive, ...] = ()
    """The latest of them, also when all runs have heard: runs may come from a partition whose log has not."""


class SiteState(msgspec.Struct, frozen=True):
    """What a partition's log says of a site at this point of the log."""

    site: int
    timezone: str
    """IANA name."""
    frequency_cap: FrequencyCap | None = None


class SegmentState(msgspec.Struct, frozen=True):
    """What a partition's log says of a dynamic segment at this point of the log."""

    site: int
    segment: str
    condition: dict[str, Any]
    """As in a document (semantics §3)."""
    defined: int
    """Log time of the definition."""


class Sweep(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an owner does with all profiles of a site that were there at one moment, in the order of their keys, a piece at a time."""

    site: int
    id: str
    """`broadcast:` and the broadcast's id, or `segment:` and the segment's name: a later sweep takes the place of an earlier one."""
    at: int
    """Log time of the entry that asked for it: profiles that were made later are not concerned."""
    entry: str
    """Id of that entry."""
    body: msgspec.Raw
    """Of that entry."""
    cursor: str = ""
    """Key of the last profile that has been done."""
    done: int = 0
    """How many profiles have been done."""


class SweepCount(msgspec.Struct, frozen=True):
    """How far the sweeps with one id are, in the partitions that are not through."""

    id: str
    partitions: int
    done: int
    """How many profiles have been done in them."""


class PartitionState(msgspec.Struct, frozen=True):
    """Where the owner of a partition stands in its log."""

    partition: int
    epoch: int
    """Fencing token: a commit with an older epoch is refused."""
    sequence: int
    """Of the last log entry."""
    log_time: int
    resumed: int
    """Log time of the last RESUME entry; timers due earlier run with this time."""
