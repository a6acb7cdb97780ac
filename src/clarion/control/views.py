"""Sites, keys, workflows, events and profiles as JSON shows them: no secret, no hash of one. Times are UTC microseconds."""

from typing import Any

import msgspec

from clarion.control.explain.short import sentences
from clarion.control.run_views import delivery_view, run_view
from clarion.domain.durations import format_duration
from clarion.domain.ids import public_profile_id
from clarion.domain.records import FrequencyCap
from clarion.store.records.entries import LogRow
from clarion.store.records.profiles import ProfileView
from clarion.store.records.sites import ApiKey, Secret, Site
from clarion.store.records.workflows import WorkflowRow, WorkflowVersion

View = dict[str, Any]


def site_view(site: Site) -> View:
    """A site without its sealed secrets."""
    return {
        "site_id": site.id,
        "name": site.name,
        "app_id": site.app_id,
        "vapid_public_key": site.vapid_public_key,
        "vapid_subject": site.vapid_subject,
        "vapid": site.vapid,
        "origins": list(site.origins),
        "dangerous_unsigned_profiles": site.dangerous_unsigned_profiles,
        "timezone": site.timezone,
        "frequency_cap": None if site.frequency_cap is None else _cap_view(site.frequency_cap),
        "created": site.created,
    }


def _cap_view(cap: FrequencyCap) -> View:
    return {"pushes": cap.pushes, "per": format_duration(cap.per)}


def key_view(key: ApiKey) -> View:
    """An API key without its hash."""
    return {
        "key_id": key.id,
        "site_id": key.site,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": list(key.scopes),
        "created": key.created,
        "last_used": key.last_used,
        "revoked": key.revoked,
    }


def secret_view(secret: Secret) -> View:
    """A secret without its value."""
    return {"name": secret.name, "changed": secret.changed}


def workflow_view(row: WorkflowRow, version: WorkflowVersion | None = None) -> View:
    """A workflow; with its current version's document and source if that is given."""
    view: View = {"workflow": row.workflow, "name": row.name, "version": row.version, "status": row.status, "changed": row.changed}
    if version is not None:
        view |= {"document": msgspec.json.decode(version.document), "source": version.source}
    return view


def event_view(row: LogRow) -> View:
    """An event of the log as it was accepted, with its place and time there."""
    body = msgspec.json.decode(row.body)
    if not isinstance(body, dict):
        body = {}  # it could not be read when it was its turn, and was set aside
    return {
        "sequence": row.sequence,
        "log_time": row.log_time,
        "event_id": row.id,
        "event_name": body.get("name"),
        "device_token_hash": body.get("device_token_hash"),
        "profile_id": body.get("profile_id"),
        "data": body.get("data", {}),
        "timestamp": body.get("timestamp"),
        "received": row.received,
    }


def profile_view(view: ProfileView) -> View:
    """A profile with what belongs to it, newest first."""
    profile = view.profile
    return {
        "profile_id": public_profile_id(profile.key),
        "attributes": profile.attributes,
        "segments": list(profile.segments),
        "created": profile.created,
        "subscribers": [
            {
                "device_token_hash": one.device_token_hash,
                "provider": one.provider,
                "active": one.active,
                "created": one.created,
                "last_active": one.last_active,
                "facts": one.facts,
            }
            for one in view.subscribers
        ],
        "runs": [run_view(run) for run in view.runs],
        "deliveries": [delivery_view(row) for row in view.deliveries],
        "explanations": [
            {"event_id": one.event, "at": one.at, "sentences": sentences(one), "explanation": msgspec.json.decode(one.body)}
            for one in view.explanations
        ],
    }
