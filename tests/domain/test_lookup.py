"""Fields of semantics §3: what a scope holds under each, and which names are none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clarion.domain.lookup import SUBSCRIBER_FIELDS, compile_field, field_problem, known_root, lookup
from clarion.domain.records import MISSING, Found, Profile, Scope

from .scopes import BROWSER, NOW, PERSON, seeing

SCOPE = Scope(
    event={"price": 20, "1a": "x", "a-b": "y", "123": True},
    entry={"price": 10, "cart_id": "c1"},
    now=NOW,
    profile=PERSON,
    subscriber=BROWSER,
    run_key="k",
    steps={
        "react": {"event": {"url": "/a", "9": 9}, "status": 200, "response": {"ok": True, "a.b": 1, "list": [1], "none": None}},
        "asked": {"status": None},
    },
)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("event.price", 20),
        ("event.1a", "x"),
        ("event.a-b", "y"),
        ("event.123", True),
        ("event.cart_id", MISSING),
        ("entry.price", 10),
        ("entry.cart_id", "c1"),
        ("react.event.url", "/a"),
        ("react.event.9", 9),
        ("react.event.nope", MISSING),
        ("react.status", 200),
        ("react.response.ok", True),
        ("react.response.a.b", 1),
        ("react.response.list", MISSING),
        ("react.response.none", MISSING),
        ("asked.status", MISSING),
        ("asked.response.x", MISSING),
        ("never.status", MISSING),
        ("never.event.x", MISSING),
        ("profile.name", "Bob"),
        ("profile.id", "bob"),
        ("profile.nope", MISSING),
        ("segments", ("newsletter", "vip")),
        ("run.key", "k"),
        ("run.id", MISSING),
        ("subscriber.country", "DE"),
        ("subscriber.sent_count", 3),
        ("subscriber.last_sent", "2026-01-01T00:00:00Z"),
        ("subscriber.created", "2025-12-31T23:59:58.500000Z"),
        ("subscriber.last_view", MISSING),
        ("subscriber.last_click", MISSING),
        ("subscriber.city", MISSING),
        ("subscriber.secret", MISSING),
        ("secrets.token", MISSING),
        ("event", MISSING),
        ("event.", MISSING),
        ("", MISSING),
        ("segments.vip", MISSING),
    ],
)
def test_fields(field: str, expected: Found) -> None:
    assert lookup(SCOPE, field) == expected
    assert type(lookup(SCOPE, field)) is type(expected)
    assert compile_field(field)(SCOPE) == expected


@pytest.mark.parametrize(
    "field", ["profile.name", "profile.id", "segments", "subscriber.country", "subscriber.created", "run.key", "event.x"]
)
def test_nothing_is_found_in_an_empty_scope(field: str) -> None:
    assert lookup(Scope(event={}, entry={}), field) is MISSING


def test_an_anonymous_profile_has_no_public_id() -> None:
    assert lookup(seeing(profile=Profile("a:hash")), "profile.id") is MISSING


@pytest.mark.parametrize(
    "field",
    ["event.price", "entry.1a", "profile.a-b", "profile.id", "segments", "run.key", "react.event.url", "react.status", "react.response.a.b"]
    + [f"subscriber.{name}" for name in sorted(SUBSCRIBER_FIELDS)],
)
def test_sound_fields_have_no_problem(field: str) -> None:
    assert field_problem(field, {"react"}) is None


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("evnt.price", "unknown field 'evnt.price' (did you mean 'event.price'?)"),
        ("reakt.status", "unknown field 'reakt.status' (did you mean 'react.status'?)"),
        ("price", "unknown field 'price': a field of the event is written 'event.price'"),
        ("segmnts", "unknown field 'segmnts': a field of the event is written 'event.segmnts' (did you mean 'segments'?)"),
        ("a b", "unknown field 'a b': a field starts with event, entry, profile, subscriber, segments, run or the id of a step"),
        ("product.size", "unknown field 'product.size': a field starts with event, "),
        ("evnt." + "a" * 100, f"unknown field 'evnt.{'a' * 59}…' (did you mean 'event.{'a' * 58}…'?)"),
        ("", "unknown field '': a field starts with event, "),
        ("event", "names no key: write event.<key>"),
        ("event.", "names no key: write event.<key>"),
        ("event.a b", "'a b' is no key"),
        ("event.-a", "'-a' is no key"),
        ("event.a.b", "'a.b' is no key"),
        ("event." + "a" * 256, "is no key"),
        ("secrets.token", "secrets can be used in http steps only"),
        ("segments.vip", "'segments' has no parts"),
        ("run", "only run.key"),
        ("run.id", "only run.key"),
        ("subscriber", "unknown subscriber field ''"),
        ("subscriber.contry", "unknown subscriber field 'contry' (did you mean 'country'?)"),
        ("react", "a step has react.event.<key>, react.status, react.response.<key>"),
        ("react.state", "a step has"),
        ("react.status.x", "a step has"),
        ("react.response", "a step has"),
        ("react.response.", "a step has"),
        ("react.event.a.b", "'a.b' is no key"),
    ],
)
def test_unsound_fields_are_refused_with_their_reason(field: str, message: str) -> None:
    assert message in (field_problem(field, {"react"}) or "")


def test_known_roots() -> None:
    assert known_root("event.x", ())
    assert known_root("react.status", {"react"})
    assert not known_root("react.status", ())


@settings(deadline=None)
@given(st.text(max_size=20))
def test_any_text_can_be_looked_up(field: str) -> None:
    lookup(SCOPE, field)
    field_problem(field, {"react"})
