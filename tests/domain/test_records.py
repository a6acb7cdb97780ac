"""What the core's facts are when only what is needed is given; none of them can be changed."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import msgspec
import pytest

import clarion.domain
import clarion.workflow
from clarion.domain.operators import OPERATORS
from clarion.domain.records import MISSING, Event, Profile, Scope, Subscriber


def modules() -> Iterator[ModuleType]:
    for package in (clarion.domain, clarion.workflow):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield importlib.import_module(found.name)


STRUCTS = sorted(
    {
        held
        for module in modules()
        for held in vars(module).values()
        if isinstance(held, type) and issubclass(held, msgspec.Struct) and held.__module__ == module.__name__ and held.__name__[0] != "_"
    },
    key=lambda struct: (struct.__module__, struct.__name__),
)


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: f"{struct.__module__}.{struct.__name__}")
def test_a_record_cannot_be_changed(struct: type[msgspec.Struct]) -> None:
    assert struct.__struct_config__.frozen


def test_an_event() -> None:
    event = Event("e", "go")
    assert msgspec.json.encode(event) == b'{"id":"e","name":"go"}'
    assert event.data == msgspec.Raw(b"{}")
    assert (event.device_token_hash, event.profile_id, event.timestamp, event.received, event.hops, event.cause) == (
        None,
        None,
        None,
        0,
        0,
        None,
    )


def test_a_subscriber() -> None:
    subscriber = Subscriber("d", "n:p", "https://push.example/1", "k", "a")
    assert len(msgspec.json.decode(msgspec.json.encode(subscriber))) == 5
    assert (subscriber.active, subscriber.created, subscriber.last_active, subscriber.facts) == (True, 0, 0, {})


def test_a_profile() -> None:
    profile = Profile("n:p")
    assert msgspec.json.encode(profile) == b'{"key":"n:p"}'
    assert (profile.attributes, profile.segments, profile.created) == ({}, (), 0)


def test_a_scope() -> None:
    scope = Scope({}, {})
    assert (scope.now, scope.profile, scope.subscriber, scope.run_key, scope.steps, scope.timezone) == (0, None, None, None, {}, "UTC")


def test_missing_says_what_it_is() -> None:
    assert repr(MISSING) == "MISSING"


@pytest.mark.parametrize(
    ("op", "missing", "takes_field"),
    [
        *((op, False, True) for op in ("eq", "gt", "gte", "lt", "lte", "in", "contains", "starts_with", "exists", "before", "after")),
        *((op, True, True) for op in ("ne", "nin", "not_exists")),
        *((op, False, False) for op in ("within_last", "not_within_last")),
    ],
)
def test_an_op(op: str, missing: bool, takes_field: bool) -> None:
    assert (OPERATORS[op].missing, OPERATORS[op].takes_field) == (missing, takes_field)
    assert len(OPERATORS) == 16
