"""Fields of semantics §3: their names, what is wrong with one, and what a scope holds under it."""

import re
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any, Final

from clarion.domain import dates
from clarion.domain.ids import public_profile_id
from clarion.domain.problems import did_you_mean, nearest, quoted
from clarion.domain.records import MISSING, Found, Scope

Finder = Callable[[Scope], Found]
"""A field made ready: looks it up in a scope."""

ROOTS: Final = frozenset({"event", "entry", "profile", "segments", "subscriber", "run", "secrets"})
"""First words of fields; none of them is a step's id (semantics §2)."""

SUBSCRIBER_FIELDS: Final = frozenset(
    {"country", "state", "city", "device", "browser", "language", "timezone", "created"}
    | {"sent_count", "view_count", "click_count", "last_sent", "last_view", "last_click"}
)
_COUNTS: Final = frozenset({"sent_count", "view_count", "click_count"})
_INSTANTS: Final = frozenset({"last_sent", "last_view", "last_click"})
HTTP_STEPS_ONLY: Final = "secrets can be used in http steps only"
_STEP_FIELDS: Final = ("event.<key>", "status", "response.<key>")

DATA_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,254}")
"""A legal key of an event's data (the wire contract)."""


def lookup(scope: Scope, field: str) -> Found:
    """What a scope holds under a field: a scalar, the segments, or MISSING; an unknown field is missing."""
    return compile_field(field)(scope)


@lru_cache(maxsize=8192)
def compile_field(field: str) -> Finder:
    """The look-up of a field, ready to be used many times: no string is taken apart at run time."""
    root, _, key = field.partition(".")
    if field == "segments":
        return _segments
    if field == "run.key":
        return _run_key
    if field == "profile.id":
        return _profile_id
    if root in ROOTS:
        make = _KEYED.get(root)
        return _nothing if make is None or not key else make(key)
    part, _, inner = key.partition(".")
    return _of_step(root, part, inner)


def known_root(field: str, step_ids: Collection[str]) -> bool:
    """Whether the field's first word is a root or a step of the workflow."""
    root = field.partition(".")[0]
    return root in ROOTS or root in step_ids


def field_problem(field: str, step_ids: Collection[str]) -> str | None:
    """What is wrong with a field in a document; None if nothing is.

    Secrets are a problem here: they can be used in templates of `http` steps only (semantics §4).
    """
    root, dot, key = field.partition(".")
    if not known_root(field, step_ids):
        return _unknown_field(field, step_ids)
    if root not in ROOTS:
        return _step_field_problem(root, key)
    if root in _KEYED and root != "subscriber":
        return None if DATA_KEY.fullmatch(key) else _key_problem(root, key)
    fixed = {
        "secrets": HTTP_STEPS_ONLY,
        "segments": "'segments' has no parts" if dot else None,
        "run": None if key == "key" else "unknown field: of 'run' there is only run.key",
        "subscriber": None if key in SUBSCRIBER_FIELDS else f"unknown subscriber field {quoted(key)}{did_you_mean(key, SUBSCRIBER_FIELDS)}",
    }
    return fixed[root]


def _unknown_field(field: str, step_ids: Collection[str]) -> str:
    root, dot, key = field.partition(".")
    near = nearest(root, (ROOTS - {"secrets"}) | set(step_ids))
    meant = "" if near is None else f" (did you mean {quoted(f'{near}{dot}{key}')}?)"
    if not dot and DATA_KEY.fullmatch(field):
        return f"unknown field {quoted(field)}: a field of the event is written {quoted(f'event.{field}')}{meant}"
    told = meant or ": a field starts with event, entry, profile, subscriber, segments, run or the id of a step"
    return f"unknown field {quoted(field)}{told}"


def _step_field_problem(step: str, key: str) -> str | None:
    part, _, inner = key.partition(".")
    if key == "status" or (part == "response" and inner):
        return None
    if part == "event" and inner:
        return None if DATA_KEY.fullmatch(inner) else _key_problem(f"{step}.event", inner)
    return f"unknown field: a step has {', '.join(f'{step}.{form}' for form in _STEP_FIELDS)}"


def _key_problem(root: str, key: str) -> str:
    if not key:
        return f"names no key: write {root}.<key>"
    return f"{quoted(key)} is no key: letters, digits, '-' and '_', starting with a letter or a digit, at most 255"


def _nothing(_: Scope) -> Found:
    return MISSING


def _segments(scope: Scope) -> Found:
    return MISSING if scope.profile is None else scope.profile.segments


def _run_key(scope: Scope) -> Found:
    return MISSING if scope.run_key is None else scope.run_key


def _profile_id(scope: Scope) -> Found:
    public = None if scope.profile is None else public_profile_id(scope.profile.key)
    return MISSING if public is None else public


def _of_event(key: str) -> Finder:
    def find(scope: Scope) -> Found:
        return scope.event.get(key, MISSING)

    return find


def _of_entry(key: str) -> Finder:
    def find(scope: Scope) -> Found:
        return scope.entry.get(key, MISSING)

    return find


def _of_profile(key: str) -> Finder:
    def find(scope: Scope) -> Found:
        return MISSING if scope.profile is None else scope.profile.attributes.get(key, MISSING)

    return find


def _of_subscriber(key: str) -> Finder:
    def find(scope: Scope) -> Found:
        return MISSING if scope.subscriber is None else scope.subscriber.facts.get(key, MISSING)

    def find_instant(scope: Scope) -> Found:
        found = find(scope)
        return found if isinstance(found, str) else _as_date(found)

    def find_created(scope: Scope) -> Found:
        return MISSING if scope.subscriber is None else _as_date(scope.subscriber.created)

    def find_count(scope: Scope) -> Found:
        return MISSING if scope.subscriber is None else scope.subscriber.facts.get(key, 0)

    if key not in SUBSCRIBER_FIELDS:
        return _nothing
    if key in _COUNTS:
        return find_count
    return find_created if key == "created" else find_instant if key in _INSTANTS else find


def _as_date(found: object) -> Found:
    """An instant kept in microseconds, as the ISO 8601 text that date ops and templates take; 0 stands for never."""
    if type(found) is not int or found <= 0:
        return MISSING
    try:
        return dates.iso(found)
    except OverflowError:
        return MISSING


def _of_step(step: str, part: str, key: str) -> Finder:
    def find_status(scope: Scope) -> Found:
        return _scalar(scope.steps[step].get("status")) if step in scope.steps else MISSING

    def find_keyed(scope: Scope) -> Found:
        held: Any = scope.steps[step].get(part) if step in scope.steps else None
        return _scalar(held.get(key)) if isinstance(held, dict) else MISSING

    if part == "status" and not key:
        return find_status
    return find_keyed if part in ("event", "response") and key else _nothing


def _scalar(held: Any) -> Found:
    """A response may hold anything; only scalars are values of fields."""
    return held if isinstance(held, str | int | float) else MISSING


_KEYED: Final[dict[str, Callable[[str], Finder]]] = {
    "event": _of_event,
    "entry": _of_entry,
    "profile": _of_profile,
    "subscriber": _of_subscriber,
}
