"""The workflows as a partition's log has them at this point, with their programs."""

from collections import OrderedDict
from collections.abc import Iterable, Iterator

import structlog

from clarion.store.port import Store
from clarion.store.records import SiteState, WorkflowState
from clarion.workflow.program import Program, compile_program
from clarion.workflow.source import DocumentInvalid, parse_canonical
from clarion.workflow.start import ARCHIVED

_log = structlog.get_logger(__name__)

MOVE = "move"
"""Of a directive: runs go on in its version."""

ProgramKey = tuple[int, str, int]
"""(site, workflow, version)."""


class Registry:
    """Which version of each workflow starts runs, the programs of all versions that runs are on, and the settings of sites."""

    MOST_PROGRAMS = 2_000
    """Programs kept compiled; past that the least recently used are read again when needed."""

    def __init__(self, store: Store | None) -> None:
        """Without a store, every program that is needed has to be installed."""
        self._store = store
        self._states: dict[tuple[int, str], WorkflowState] = {}
        self._directed = 0
        self._sites: dict[int, SiteState] = {}
        self._programs: OrderedDict[ProgramKey, Program | None] = OrderedDict()
        self._listening: dict[tuple[int, str], tuple[WorkflowState, ...]] | None = None

    def load(self, states: Iterable[WorkflowState], sites: Iterable[SiteState]) -> None:
        """Start from what the log says."""
        self._states = {(state.site, state.workflow): state for state in states}
        self._directed = sum(1 for state in self._states.values() if state.directives)
        self._sites = {state.site: state for state in sites}
        self._listening = None

    def put(self, state: WorkflowState) -> None:
        """The log has changed a workflow."""
        before = self._states.get((state.site, state.workflow))
        self._directed += bool(state.directives) - bool(before and before.directives)
        self._states[state.site, state.workflow] = state
        self._listening = None

    def install(self, state: WorkflowState, program: Program) -> None:
        """Have a workflow that no store knows."""
        self._programs[state.site, state.workflow, state.version] = program
        self.put(state)

    def put_site(self, state: SiteState) -> None:
        """The log has changed a site."""
        self._sites[state.site] = state

    def site(self, site: int) -> SiteState:
        """The settings of a site."""
        return self._sites.get(site) or SiteState(site, "UTC")

    def state(self, site: int, workflow: str) -> WorkflowState | None:
        """What the log says of a workflow; None before its first version."""
        return self._states.get((site, workflow))

    @property
    def has_directives(self) -> bool:
        """Whether some run may not have heard of a publish yet."""
        return self._directed > 0

    def current(self) -> Iterator[ProgramKey]:
        """The versions that start runs, and those that runs have still to be moved to."""
        for state in self._states.values():
            yield state.site, state.workflow, state.version
            for directive in state.directives:
                if directive.runs == MOVE:
                    yield state.site, state.workflow, directive.version

    async def fetch(self, wanted: Iterable[ProgramKey]) -> None:
        """Have the programs of these versions at hand. Raises StoreUnavailable."""
        needed = {*wanted, *self.current()}
        for key in sorted(needed - self._programs.keys()):
            if self._store is None:
                raise LookupError(f"version {key[2]} of workflow {key[1]} is not installed")
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

    def program(self, site: int, workflow: str, version: int) -> Program | None:
        """A program that `fetch` brought; None for a version that is not valid any more."""
        return self._programs[site, workflow, version]

    def listening(self, site: int, event: str) -> tuple[WorkflowState, ...]:
        """The workflows of a site, but archived ones, whose current version starts on an event's name, by slug."""
        if self._listening is None:
            self._listening = self._index()
        return self._listening.get((site, event), ())

    def _index(self) -> dict[tuple[int, str], tuple[WorkflowState, ...]]:
        found: dict[tuple[int, str], tuple[WorkflowState, ...]] = {}
        for (site, workflow), state in sorted(self._states.items()):
            if state.status == ARCHIVED:
                continue
            program = self._programs[site, workflow, state.version]
            for event in {} if program is None else dict.fromkeys(listener.event for listener in program.document.start.on):
                found[site, event] = (*found.get((site, event), ()), state)
        return found
