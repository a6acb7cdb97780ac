"""The workflows as a partition's log has them at this point, with their programs."""

from collections.abc import Iterable

from clarion.engine.programs import ProgramKey, Programs
from clarion.store.records.states import SiteState, WorkflowState
from clarion.workflow.program import Program
from clarion.workflow.start import ARCHIVED

MOVE = "move"
"""Of a directive: runs go on in its version."""


class Registry:
    """Which version of each workflow starts runs, the programs of all versions that runs are on, and the settings of sites."""

    def __init__(self, source: Programs | None) -> None:
        """Without a source of programs, every one that is needed has to be installed."""
        self._source = source
        self._states: dict[tuple[int, str], WorkflowState] = {}
        self._directed = 0
        self._sites: dict[int, SiteState] = {}
        self._programs: dict[ProgramKey, Program | None] = {}
        self._current: set[ProgramKey] = set()
        """Versions that start runs, and those that runs have still to be moved to."""
        self._absent: set[ProgramKey] = set()
        """Those of them that are still to be fetched."""
        self._others: set[ProgramKey] = set()
        """The other programs that are at hand: until the next fetch, unless that wants them too."""
        self._listening: dict[tuple[int, str], tuple[WorkflowState, ...]] | None = None

    def load(self, states: Iterable[WorkflowState], sites: Iterable[SiteState]) -> None:
        """Start from what the log says."""
        self._states, self._directed, self._listening = {}, 0, None
        self._others.update(key for key in self._current if key in self._programs)
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
                self._others.add(key)
        for key in now - was:
            self._current.add(key)
            self._others.discard(key)
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
            if self._source is None:
                raise LookupError(f"version {key[2]} of workflow {key[1]} is not installed")
            self._programs[key] = await self._source.program(key)
            self._absent.discard(key)
        if self._source is not None:  # what was installed could not be fetched again
            for key in self._others - others:
                del self._programs[key]
        self._others = others

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
