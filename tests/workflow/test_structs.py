"""What passes between the parts of the pure packages is immutable; what leaves them has the names that are stored."""

import importlib
import pkgutil

import msgspec
import pytest

import clarion.domain
import clarion.workflow
from clarion.workflow.effects import EventEffect, HttpEffect, PushEffect, StopEffect
from clarion.workflow.run import Reason, Tally

MODULES = [
    module.name
    for package in (clarion.domain, clarion.workflow)
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
]


def structs(name: str) -> list[type[msgspec.Struct]]:
    module = importlib.import_module(name)
    found = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    return [one for one in found if one.__module__ == name]


@pytest.mark.parametrize("name", MODULES)
def test_every_struct_is_frozen(name: str) -> None:
    assert [one.__name__ for one in structs(name) if not one.__struct_config__.frozen] == []


@pytest.mark.parametrize(
    ("effect", "stored"),
    [
        (
            PushEffect("e", "s", title="t", message="m", url="https://a.example/"),
            {"effect": "push", "id": "e", "step": "s", "title": "t", "message": "m", "url": "https://a.example/"},
        ),
        (
            HttpEffect("e", "s", method="POST", url="https://a.example/"),
            {"effect": "http", "id": "e", "step": "s", "method": "POST", "url": "https://a.example/"},
        ),
        (EventEffect("e", "s", "bought", {"n": 1}), {"effect": "event", "id": "e", "step": "s", "name": "bought", "data": {"n": 1}}),
        (StopEffect("e", "s", "cart"), {"effect": "stop", "id": "e", "step": "s", "workflow": "cart"}),
        (Reason(5, "waiting"), {"at": 5, "what": "waiting"}),
        (Tally(1, "", "started"), {"version": 1, "step": "", "name": "started"}),
    ],
)
def test_what_has_its_default_is_left_out(effect: msgspec.Struct, stored: dict[str, object]) -> None:
    assert msgspec.to_builtins(effect) == stored


def test_what_a_push_is_without_being_asked() -> None:
    push = PushEffect("e", "s", title="t", message="m", url="https://a.example/")
    assert (push.ttl, push.urgency, push.require_interaction, push.actions, push.tag) == (28 * 86_400, "normal", False, (), None)
