"""Which programs are at hand, and how little it takes to know."""

import asyncio
from typing import Any

import msgspec
import pytest

from clarion.engine import programs as module
from clarion.engine.programs import Programs
from clarion.engine.registry import MOVE, Registry
from clarion.store.records.states import Directive, WorkflowState
from clarion.store.records.workflows import WorkflowVersion
from clarion.workflow.source import canonical, read_document


class Versions:
    """Has every version of every workflow, and notes which were read."""

    def __init__(self) -> None:
        self.read: list[tuple[str, int]] = []
        self.steps = 1

    async def workflow_version(self, site: int, workflow: str, version: int) -> WorkflowVersion:
        self.read.append((workflow, version))
        steps = ", ".join(f"{{id: s{number}, segment: {{add: x}}}}" for number in range(self.steps))
        text = f"workflow: {workflow}\nstart: {{on: [{{event: go}}]}}\nsteps: [{steps}]"
        return WorkflowVersion(site, workflow, version, msgspec.Raw(canonical(read_document(text))), "", 0)


def made(*states: WorkflowState, most: int = 100) -> tuple[Registry, Versions]:
    versions = Versions()
    registry = Registry(Programs(versions, most))
    registry.load(states, [])
    return registry, versions


async def test_current_versions_are_read_once_and_archived_ones_only_when_asked_for() -> None:
    registry, versions = made(*(WorkflowState(1, f"w{number}", 1, "archived" if number else "active") for number in range(3)))
    for _ in range(2):
        await registry.fetch(())
    assert versions.read == [("w0", 1)]
    await registry.fetch([(1, "w2", 1)])
    assert versions.read == [("w0", 1), ("w2", 1)]
    assert [state.workflow for state in registry.listening(1, "go")] == ["w0"]
    assert registry.program(1, "w2", 1) is not None


async def test_a_publish_has_its_version_read_and_what_runs_are_moved_to_with_it() -> None:
    registry, versions = made(WorkflowState(1, "w", 1, "active"))
    await registry.fetch(())
    registry.put(WorkflowState(1, "w", 3, "active", directives=(Directive(2, MOVE, 5), Directive(3, "ended", 6))))
    await registry.fetch(())
    assert versions.read == [("w", 1), ("w", 2), ("w", 3)]
    registry.put(WorkflowState(1, "w", 1, "active"))
    await registry.fetch(())
    assert versions.read == [("w", 1), ("w", 2), ("w", 3)]


async def test_programs_are_forgotten_the_least_recently_used_first_but_no_current_one_is_missed() -> None:
    registry, versions = made(WorkflowState(1, "w", 9, "active"), WorkflowState(1, "v", 9, "active"), most=2)
    for version in (1, 2, 1, 3):
        await registry.fetch([(1, "w", version)])
    versions.read.clear()
    await registry.fetch([(1, "w", version) for version in (1, 3, 9)])
    assert versions.read == []
    await registry.fetch([(1, "w", version) for version in (1, 2, 3)])
    assert versions.read == [("w", 2)]
    assert all(registry.program(1, "w", version) for version in (1, 2, 3, 9))
    registry.put(WorkflowState(1, "v", 9, "archived"))
    await registry.fetch([(1, "w", 1), (1, "w", 2)])
    versions.read.clear()
    await registry.fetch([(1, "v", 9)])
    assert versions.read == [("v", 9)]


async def test_what_a_batch_did_not_ask_for_is_not_kept_for_it() -> None:
    registry, _ = made(WorkflowState(1, "w", 2, "active"))
    await registry.fetch([(1, "w", 1)])
    await registry.fetch(())
    assert registry.program(1, "w", 2) is not None
    with pytest.raises(KeyError):
        registry.program(1, "w", 1)


async def test_the_registries_of_a_process_compile_a_version_once_between_them() -> None:
    versions = Versions()
    programs = Programs(versions)
    registries = [Registry(programs) for _ in range(5)]
    for registry in registries:
        registry.load([WorkflowState(1, "w", 1, "active")], [])
    await asyncio.gather(*(registry.fetch([(1, "w", 2)]) for registry in registries))
    assert versions.read == [("w", 1), ("w", 2)]
    assert len({id(registry.program(1, "w", 1)) for registry in registries}) == 1


async def test_that_is_so_too_where_there_are_more_than_are_kept_for_later() -> None:
    versions = Versions()
    programs = Programs(versions, 2)
    registries = [Registry(programs) for _ in range(3)]
    for registry in registries:
        registry.load([WorkflowState(1, f"w{number}", 1, "active") for number in range(5)], [])
        await registry.fetch(())
    assert versions.read == [(f"w{number}", 1) for number in range(5)]
    assert len({id(registry.program(1, "w0", 1)) for registry in registries}) == 1


async def test_a_registry_that_starts_anew_keeps_what_it_has_read() -> None:
    registry, versions = made(WorkflowState(1, "w", 1, "active"))
    await registry.fetch(())
    registry.load([WorkflowState(1, "w", 2, "active")], [])
    await registry.fetch([(1, "w", 1)])
    assert versions.read == [("w", 1), ("w", 2)]


@pytest.mark.parametrize(("steps", "in_thread"), [(1, False), (480, False), (480, True)])
async def test_a_large_document_is_compiled_in_a_thread(monkeypatch: pytest.MonkeyPatch, steps: int, in_thread: bool) -> None:
    registry, versions = made(WorkflowState(1, "w", 1, "active"))
    versions.steps = steps
    size = len(bytes((await versions.workflow_version(1, "w", 1)).document))
    monkeypatch.setattr(module, "LARGEST_AT_ONCE", size - 1 if in_thread else size)
    asked: list[Any] = []
    real = asyncio.to_thread

    async def thread(function: Any, *given: Any) -> Any:
        asked.append(function)
        return await real(function, *given)

    monkeypatch.setattr(asyncio, "to_thread", thread)
    await registry.fetch(())
    assert bool(asked) is in_thread
    program = registry.program(1, "w", 1)
    assert program is not None
    assert len(program.places) == steps
