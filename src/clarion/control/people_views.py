"""Subscribers, profiles, segments, broadcasts and jobs as JSON shows them: no key of a subscription. Times are UTC microseconds."""

from typing import Any

import msgspec

from clarion.control.broadcasts import Broadcast
from clarion.control.segments import Count
from clarion.domain.ids import public_profile_id
from clarion.domain.records import Profile, Subscriber
from clarion.store.records.jobs import Job
from clarion.store.records.segments import SegmentRow
from clarion.store.records.sites import SiteKey

View = dict[str, Any]


def subscriber_view(one: Subscriber) -> View:
    """A subscriber without what is needed to send to it."""
    return {
        "device_token_hash": one.device_token_hash,
        "profile_id": public_profile_id(one.profile),
        "provider": one.provider,
        "active": one.active,
        "created": one.created,
        "last_active": one.last_active,
        "facts": one.facts,
        "vapid": one.vapid,
    }


def listed_profile_view(profile: Profile) -> View:
    """A profile alone; an anonymous one is known by the subscriber that it was made for."""
    named = public_profile_id(profile.key)
    return {
        "profile_id": named,
        "device_token_hash": None if named is not None else profile.key.partition(":")[2],
        "attributes": profile.attributes,
        "segments": list(profile.segments),
        "created": profile.created,
    }


def segment_view(row: SegmentRow, count: Count | None = None) -> View:
    """A segment; with how many are in it if that was counted."""
    view: View = {
        "segment": row.segment,
        "name": row.name,
        "dynamic": row.condition is not None,
        "condition": row.condition,
        "created": row.created,
        "changed": row.changed,
    }
    return view if count is None else view | {"members": count.members.get(row.segment, 0), "members_complete": count.complete}


def _addressed(source: str) -> object:
    to = msgspec.json.decode(source).get("to")
    return "person" if isinstance(to, dict) and "person" in to else to


def broadcast_view(one: Broadcast) -> View:
    """A broadcast with what it sends, to whom, and how far it is."""
    document = msgspec.json.decode(one.version.document)
    steps = {step["id"]: step for step in document["steps"]}
    return {
        "broadcast_id": one.id,
        "workflow": one.row.workflow,
        "name": one.row.name,
        "status": one.status,
        "push": steps["push"]["push"],
        "to": _addressed(one.version.source),
        "audience": document["start"].get("audience"),
        "at": steps["when"]["wait"]["until"] if "when" in steps else None,
        "timezone": document["settings"]["timezone"],
        "created": one.version.created,
        "changed": one.row.changed,
        "progress": {"looked_at": one.looked_at, "partitions_left": one.partitions_left, "in_flight": one.in_flight},
    }


def job_view(job: Job) -> View:
    """A job; what it says of itself depends on its kind, and of an erasure it does not say whose it is."""
    body = msgspec.json.decode(job.body)
    if job.kind == "erasure":
        body = {}
    return {
        "job_id": job.id,
        "kind": job.kind,
        "status": job.status,
        "created": job.created,
        "changed": job.changed,
        "detail": body,
    }


def site_key_view(key: SiteKey) -> View:
    """A key of a site by what is no secret of it."""
    return {"kind": key.kind, "number": key.number, "public": key.public, "changed": key.changed}
