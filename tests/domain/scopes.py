"""Scopes to look into."""

from typing import Any

from clarion.domain.records import Profile, Scalar, Scope, Subscriber

NOW = 1_767_225_600_000_000
"""2026-01-01T00:00:00Z."""

PERSON = Profile("n:bob", {"name": "Bob", "city": "Ulm", "id": "not this"}, ("newsletter", "vip"))

BROWSER = Subscriber(
    "hash",
    "n:bob",
    "https://push.example/1",
    "key",
    "auth",
    created=NOW - 1_500_000,
    facts={"country": "DE", "sent_count": 3, "last_sent": NOW, "last_view": 0, "secret": "x"},
)


def seeing(data: dict[str, Scalar] | None = None, **more: Any) -> Scope:
    """A scope in which an event with this data has arrived, and had started the run."""
    held = data or {}
    fields: dict[str, Any] = {"event": held, "entry": held, "now": NOW, "profile": PERSON}
    return Scope(**fields | more)
