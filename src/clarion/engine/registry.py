"""The workflows as a partition's log has them at this point, with their programs."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import structlog

from clarion.store.port import Store
from clarion.store.records import WorkflowState
from clarion.workflow.program import Program, compile_program
from clarion.workflow.source import DocumentInvalid, parse_canonical

_log = structlog.get_logger(__name__)

ACTIVE = "active"
PAUSED = "paused"

ProgramKey = tuple[int, str, int]
"""(site, workflow, version)."""


class Registry:
    """Which version of each workflow starts runs, and the programs of all versions that runs are on."""

    MOST_PROGRAMS = 2_000
    """Programs kept compiled; past that the least recently used are read again when needed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._states: dict[tuple[int, str], WorkflowState] = {}
        self._programs: OrderedDict[ProgramKey, Program | None] = OrderedDict()
        self._listening: dict[tuple[int, str], tuple[WorkflowState, ...]] = {}

    def load(self, states: Iterable[WorkflowState]) -> None:
        """Start from what the log says."""
        self._states = {(state.site, state.workflow): state for state in states}
        self._listening.clear()

    def put(self, state: WorkflowState) -> None:
        """The log has changed a workflow."""
        self._states[state.site, state.workflow] = state
        self._listening.clear()

    def state(self, site: int, workflow: str) -> WorkflowState | None:
        """What the log says of a workflow; None before its first version."""
        return self._states.get((site, workflow))

    def current(self) -> Iterator[ProgramKey]:
        """The versions that start runs."""
        for state in self._states.values():
            yield state.site, state.workflow, state.version

    async def fetch(self, wanted: Iterable[ProgramKey]) -> None:
        """Have the programs of these versions at hand. Raises StoreUnavailable."""
        needed = {*wanted, *self.current()}
        for key in sorted(needed - self._programs.keys()):
            version = await self._store.workflow_version(*key)
            try:
                self._programs[key] = compile_program(parse_canonical(bytes(version.document)), key[2])
            except DocumentInvalid as error:
                _log.error("a stored workflow is not valid in this version of Clarion; it starts nothing", workflow=key, error=str(error))
                self._programs[key] = None
        for key in needed:
            self._programs.move_to_end(key)
        while len(self._programs) > max(self.MOST_PROGRAMS, len(needed)):
            self._programs.popitem(last=False)

    def program(self, site: int, workflow: str, version: int) -> Program:
        """A program that `fetch` brought. Raises LookupError for a version that is not valid any more."""
        program = self._programs[site, workflow, version]
        if program is None:
            raise LookupError(f"version {version} of workflow {workflow} is not valid in this version of Clarion")
        return program

    def listening(self, site: int, event: str) -> tuple[WorkflowState, ...]:
        """The workflows of a site whose current version starts on an event's name, by slug."""
        key = (site, event)
        found = self._listening.get(key)
        if found is None:
            found = tuple(state for (at, workflow), state in sorted(self._states.items()) if at == site and self._starts_on(state, event))
            if len(self._listening) >= 10_000:
                self._listening.clear()
            self._listening[key] = found
        return found

    def _starts_on(self, state: WorkflowState, event: str) -> bool:
        program = self._programs[state.site, state.workflow, state.version]
        return program is not None and bool(program.starts_on(event))
