"""The workflows as a partition's log has them at this point, with their programs."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

import structlog

from clarion.store.port import Store
from clarion.store.records.states import SiteState, WorkflowState
from clarion.workflow.program import Program, compile_program
from clarion.workflow.source import DocumentInvalid, parse_canonical
from clarion.workflow.start import ARCHIVED

_log = structlog.get_logger(__name__)

MOVE = "move"
"""Of a directive: runs go on in its version."""

LARGEST_AT_ONCE = 32_768
"""Bytes of a document; what is larger takes a while to compile, and does so in a thread."""

ProgramKey = tuple[int, str, int]
"""(site, workflow, version)."""


class Registry:
    """Which version of each workflow starts runs, the programs of all versions that runs are on, and the settings of sites."""

    MOST_PROGRAMS = 2_000
    """Programs kept compiled that are not current; past that the least recently used are read again when needed."""

    def __init__(self, store: Store | None) -> None:
        """Without a store, every program that is needed has to be installed."""
        self._store = store
        self._states: dict[tuple[int, str], WorkflowState] = {}
        self._directed = 0
        self._sites: dict[int, SiteState] = {}
        self._programs: dict[ProgramKey, Program | None] = {}
        self._current: set[ProgramKey] = set()
        """Versions that start runs, and those that runs have still to be moved to."""
        self._absent: set[ProgramKey] = set()
        """Those of them that are still to be read."""
        self._others: OrderedDict[ProgramKey, None] = OrderedDict()
        """The other programs, the least recently used first."""
        self._listening: dict[tuple[int, str], tuple[WorkflowState, ...]] | None = None

    def load(self, states: Iterable[WorkflowState], sites: Iterable[SiteState]) -> None:
        """Start from what the log says."""
        self._states, self._directed, self._listening = {}, 0, None
        self._others |= dict.fromkeys(key for key in self._current if key in self._programs)
        self._current, self._absent = set(), set()
        for state in states:
            self.put(state)
        self._sites = {state.site: state for state in sites}

    def put(self, state: WorkflowState) -> None:
        """The log has changed a workflow."""
        before = self._states.get((state.site, state.workflow))
        self._directed += bool(state.directives) - bool(before and before.directives)
        self._states[state.site, state.workflow] = state
        self._listening = None
        was, now = set() if before is None else _current(before), _current(state)
        for key in was - now:
            self._current.discard(key)
            self._absent.discard(key)
            if key in self._programs:
                self._others[key] = None
        for key in now - was:
            self._current.add(key)
            self._others.pop(key, None)
            if key not in self._programs:
                self._absent.add(key)

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

    def active(self, site: int, workflow: str) -> WorkflowState | None:
        """The same of a workflow that is not archived."""
        state = self.state(site, workflow)
        return None if state is None or state.status == ARCHIVED else state

    @property
    def has_directives(self) -> bool:
        """Whether some run may not have heard of a publish yet."""
        return self._directed > 0

    async def fetch(self, wanted: Iterable[ProgramKey]) -> None:
        """Have the programs of these versions at hand, beside the current ones. Raises StoreUnavailable."""
        others = {key for key in wanted if key not in self._current}
        for key in sorted(self._absent | {key for key in others if key not in self._programs}):
            if self._store is None:
                raise LookupError(f"version {key[2]} of workflow {key[1]} is not installed")
            document = bytes((await self._store.workflow_version(*key)).document)
            try:
                if len(document) > LARGEST_AT_ONCE:
                    self._programs[key] = await asyncio.to_thread(_compile, document, key[2])
                else:
                    self._programs[key] = _compile(document, key[2])
            except DocumentInvalid as error:
                _log.error("a stored workflow is not valid in this version of Clarion; it starts nothing", workflow=key, error=str(error))
                self._programs[key] = None
            self._absent.discard(key)
        for key in others:
            self._others[key] = None
            self._others.move_to_end(key)
        while len(self._others) > max(self.MOST_PROGRAMS, len(others)):
            del self._programs[self._others.popitem(last=False)[0]]

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


def _current(state: WorkflowState) -> set[ProgramKey]:
    """The version that starts runs, and those that runs have still to be moved to."""
    versions = {directive.version for directive in state.directives if directive.runs == MOVE}
    if state.status != ARCHIVED:
        versions.add(state.version)
    return {(state.site, state.workflow, version) for version in versions}


def _compile(document: bytes, version: int) -> Program:
    return compile_program(parse_canonical(document), version)
