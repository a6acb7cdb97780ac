"""Fields at their edges: every subscriber's field, every root, what is a key, instants that are none."""

from typing import Any

import pytest

from clarion.domain.lookup import DATA_KEY, ROOTS, field_problem, lookup
from clarion.domain.records import MISSING, Found, Profile, Scope, Subscriber

FACTS = ["browser", "city", "click_count", "country", "device", "language", "last_click", "last_sent", "last_view", "sent_count", "state"]
FACTS += ["timezone", "view_count"]


def with_facts(facts: dict[str, Any], created: int = 0) -> Scope:
    return Scope(event={}, entry={}, subscriber=Subscriber("d", "n:p", "https://push.example/1", "k", "a", created=created, facts=facts))


@pytest.mark.parametrize("name", FACTS)
def test_a_fact_of_a_subscriber(name: str) -> None:
    assert field_problem(f"subscriber.{name}", ()) is None
    assert lookup(with_facts({name: "x"}), f"subscriber.{name}") == "x"
    assert lookup(with_facts({}), f"subscriber.{name}") == (0 if name.endswith("_count") else MISSING)


@pytest.mark.parametrize("name", ["last_click", "last_sent", "last_view"])
@pytest.mark.parametrize(
    ("held", "found"),
    [
        (1, "1970-01-01T00:00:00.000001Z"),
        (1_000_000, "1970-01-01T00:00:01Z"),
        ("2026-01-01", "2026-01-01"),
        (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        *((none, MISSING) for none in (0, -1, True, 1.5, 253_402_300_800_000_000, 10**30)),
    ],
)
def test_an_instant_is_found_as_a_date(name: str, held: object, found: Found) -> None:
    assert lookup(with_facts({name: held}), f"subscriber.{name}") == found


@pytest.mark.parametrize(("created", "found"), [(0, MISSING), (1, "1970-01-01T00:00:00.000001Z"), (10**30, MISSING)])
def test_when_a_subscriber_was_created(created: int, found: Found) -> None:
    assert field_problem("subscriber.created", ()) is None
    assert lookup(with_facts({"created": "x"}, created), "subscriber.created") == found


def test_other_facts_are_not_for_workflows() -> None:
    for name in ("endpoint", "auth", "secret", ""):
        assert lookup(with_facts({name: "x"}), f"subscriber.{name}") is MISSING
        assert field_problem(f"subscriber.{name}", ()) is not None


def test_no_step_can_be_called_like_a_root() -> None:
    assert sorted(ROOTS) == ["entry", "event", "profile", "run", "secrets", "segments", "subscriber"]
    scope = Scope(event={}, entry={}, steps={root: {"status": 200} for root in ROOTS})
    for root in ROOTS:
        assert lookup(scope, f"{root}.status") is MISSING


@pytest.mark.parametrize("key", ["a", "1", "A-b_C", "a" * 255])
def test_a_key(key: str) -> None:
    assert DATA_KEY.fullmatch(key)
    for field in (f"event.{key}", f"entry.{key}", f"profile.{key}", f"s.event.{key}"):
        assert field_problem(field, {"s"}) is None


@pytest.mark.parametrize("key", ["_a", "-a", "a" * 256, "a b", "é", "a\n", "a.b"])
def test_no_key(key: str) -> None:
    said = "is no key: letters, digits, '-' and '_', starting with a letter or a digit, at most 255"
    for field in (f"event.{key}", f"entry.{key}", f"profile.{key}", f"s.event.{key}"):
        assert str(field_problem(field, {"s"})).endswith(said)


def test_messages_name_what_there_is() -> None:
    assert field_problem("s.event.", {"s"}) == "unknown field: a step has s.event.<key>, s.status, s.response.<key>"
    assert field_problem("s.x.y", {"s"}) == "unknown field: a step has s.event.<key>, s.status, s.response.<key>"
    assert field_problem("entry", ()) == "names no key: write entry.<key>"
    assert (
        field_problem("secret.x", ())
        == "unknown field 'secret.x': a field starts with event, entry, profile, subscriber, segments, run or the id of a step"
    )
    assert field_problem("segments", ()) is None
    assert field_problem("segments.", ()) == "'segments' has no parts"
    assert field_problem("run.key", ()) is None


def test_only_scalars_are_found_in_what_steps_left() -> None:
    held: list[Any] = ["x", 1, 1.5, True, None, [1], {"a": 1}]
    for value in held:
        scope = Scope(event={}, entry={}, steps={"s": {"event": {"k": value}, "response": {"k": value}, "status": value}})
        found = value if isinstance(value, str | int | float) else MISSING
        for field in ("s.event.k", "s.response.k", "s.status"):
            assert lookup(scope, field) is found
    odd = Scope(event={}, entry={}, steps={"s": {"event": "k", "response": [1], "status": 200, "other": {"k": 1}}})
    for field in ("s.event.k", "s.response.k", "s.status.k", "s.other.k", "s.event", "s.response", "s.other", "s"):
        assert lookup(odd, field) is MISSING


def test_a_key_may_look_like_a_way() -> None:
    scope = Scope(event={"a.b": 1}, entry={"a.b": 2}, profile=Profile("a:x", {"a.b": 3, "id": "x"}), steps={"s": {"response": {"a.b": 4}}})
    assert [lookup(scope, field) for field in ("event.a.b", "entry.a.b", "profile.a.b", "s.response.a.b")] == [1, 2, 3, 4]
    assert lookup(scope, "profile.id") is MISSING
