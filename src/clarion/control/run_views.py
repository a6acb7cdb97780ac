"""Runs, deliveries, and inputs that were set aside, as JSON shows them. Times are UTC microseconds."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from clarion.domain.ids import lone_subscriber, public_profile_id
from clarion.store.records.deliveries import DeliveryRow
from clarion.store.records.poisoned import Poisoned
from clarion.store.records.runs import RunRow

View = dict[str, Any]

_SUBSCRIPTION: Final = ("endpoint", "p256dh", "auth")
"""What lets somebody send to a browser, and is of no use to whoever looks at an input."""


def run_view(run: RunRow) -> View:
    """Where a run stands."""
    return {
        "run_id": run.id,
        "workflow": run.workflow,
        "version": run.version,
        "key": run.key,
        "status": run.status,
        "step": run.step,
        "due": run.due,
        "held": run.held,
        "started": run.started,
        "ended": run.ended,
        "reason": run.reason,
    }


def listed_run_view(run: RunRow) -> View:
    """Where a run stands, and whose it is: a profile's, or a lone subscriber's."""
    named = public_profile_id(run.profile)
    device = None if named is not None else lone_subscriber(run.profile)
    return {**run_view(run), "profile_id": named, "device_token_hash": device}


def whole_run_view(run: RunRow, deliveries: Sequence[DeliveryRow]) -> View:
    """A run with the event that started it, what its steps left, the paths it took, and its deliveries, newest first."""
    state = msgspec.json.decode(run.state)
    entry = state.get("entry") or {}
    return {
        **listed_run_view(run),
        "since": state.get("since"),
        "entry": {"event_id": entry.get("id"), "event_name": entry.get("name"), "data": entry.get("data", {})},
        "steps": state.get("steps", {}),
        "paths": state.get("paths", {}),
        "deliveries": [delivery_view(row) for row in deliveries],
    }


def delivery_view(row: DeliveryRow) -> View:
    """A delivery with its attempts."""
    delivery = row.delivery
    return {
        "delivery_id": delivery.id,
        "run_id": delivery.run,
        "workflow": delivery.workflow,
        "step": delivery.step,
        "kind": delivery.kind,
        "status": row.status,
        "created": delivery.created,
        "due": delivery.due,
        "finished": row.finished,
        "attempts": [msgspec.to_builtins(attempt) for attempt in delivery.attempts],
    }


def poisoned_view(one: Poisoned) -> View:
    """An input that was set aside, with its error; the keys of a subscription are left out."""
    body = msgspec.json.decode(one.body)
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if name not in _SUBSCRIPTION}
    return {"id": one.id, "kind": one.kind, "at": one.at, "error": one.error, "body": body}
