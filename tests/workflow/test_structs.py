"""What passes between the parts of the pure packages is immutable; what leaves them has the names that are stored."""

import importlib
import pkgutil

import msgspec
import pytest
from tests.workflow.builders import event, new_run

import clarion.domain
import clarion.workflow
from clarion.workflow.effects import EventEffect, HttpEffect, PushEffect, StopEffect
from clarion.workflow.run import COMPLETED, EXITED, FAILED, WAITING, Reason, Run, Tally
from clarion.workflow.start import ACTIVE, ARCHIVED, DRAINING, PAUSED, Verdict

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
        (Verdict("w", 1, "where"), {"workflow": "w", "version": 1, "verdict": "where"}),
        (Tally(1, "", "started"), {"version": 1, "step": "", "name": "started"}),
    ],
)
def test_what_has_its_default_is_left_out(effect: msgspec.Struct, stored: dict[str, object]) -> None:
    assert msgspec.to_builtins(effect) == stored


def test_what_a_push_is_without_being_asked() -> None:
    push = PushEffect("e", "s", title="t", message="m", url="https://a.example/")
    assert (push.ttl, push.urgency, push.require_interaction, push.actions, push.tag) == (28 * 86_400, "normal", False, (), None)


def test_a_run_reads_back_from_what_was_stored_of_it_when_it_was_new() -> None:
    stored = msgspec.json.encode(new_run(event()))
    assert set(msgspec.json.decode(stored)) == {"id", "site", "workflow", "version", "profile", "key", "entry", "started"}
    run = msgspec.json.decode(stored, type=Run)
    assert (run.status, run.step, run.since, run.due, run.awaits) == (WAITING, None, 0, None, None)
    assert (run.visit, run.entering, run.hops, run.entrant) == (1, False, 0, ""), "its first visit, and nobody entered in its place"
    assert (run.ended, run.reason, run.reached, run.goal_until) == (None, None, False, None)


def test_statuses_have_the_names_that_stores_and_clients_know() -> None:
    assert (WAITING, COMPLETED, EXITED, FAILED) == ("waiting", "completed", "exited", "failed")
    assert (ACTIVE, DRAINING, PAUSED, ARCHIVED) == ("active", "draining", "paused", "archived")


def test_a_request_does_not_wait_for_its_answer_without_being_asked() -> None:
    assert not HttpEffect("e", "s", method="POST", url="https://a.example/").awaits


def test_a_counter_grows_by_one_and_for_no_branch() -> None:
    tally = Tally(1, "", "started")
    assert (tally.branch, tally.count) == ("", 1)
