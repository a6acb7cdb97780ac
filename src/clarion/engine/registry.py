"""The workflows as a partition's log has them at this point, with their programs."""

from collections.abc import Iterable, Iterator

from clarion.domain.ids import is_broadcast
from clarion.engine.dynamics import NONE, Dynamics, arranged
from clarion.engine.programs import ProgramKey, Programs
from clarion.engine.sweeps import Underway, underway
from clarion.store.records.states import SegmentState, SiteState, Sweep, WorkflowState
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
        self._segments: dict[tuple[int, str], SegmentState] = {}
        self._dynamics: dict[int, Dynamics] = {}
        """By site, as far as anybody has asked."""
        self._sweeps: dict[tuple[int, str], Underway] = {}
        """In the order in which they were asked for."""

    def load(
        self,
        states: Iterable[WorkflowState],
        sites: Iterable[SiteState],
        segments: Iterable[SegmentState] = (),
        sweeps: Iterable[Sweep] = (),
    ) -> None:
        """Start from what the log says."""
        self._states, self._directed, self._listening = {}, 0, None
        self._others.update(key for key in self._current if key in self._programs)
        self._current, self._absent = set(), set()
        self._segments, self._dynamics = {(state.site, state.segment): state for state in segments}, {}
        self._sweeps = {}
        for sweep in sweeps:
            self.put_sweep(sweep)
        for state in states:
            self.put(state)
        self._sites = {state.site: state for state in sites}

    def put(self, state: WorkflowState) -> None:
        """The log has changed a workflow."""
        before = self._states.get((state.site, state.workflow))
        self._directed += bool(state.directives) - bool(before and before.directives)
        self._states[state.site, state.workflow] = state
        if not is_broadcast(state.workflow):  # no event starts one
            self._listening = None
        self._want(set() if before is None else self._wanted(before), self._wanted(state))

    def _want(self, was: set[ProgramKey], now: set[ProgramKey]) -> None:
        """Other programs than before have to be at hand."""
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

    def _wanted(self, state: WorkflowState) -> set[ProgramKey]:
        """The version that starts runs, and those that runs have still to be moved to. A broadcast starts them while it is under way."""
        versions = {directive.version for directive in state.directives if directive.runs == MOVE}
        if state.status != ARCHIVED and (not is_broadcast(state.workflow) or self._is_swept(state)):
            versions.add(state.version)
        return {(state.site, state.workflow, version) for version in versions}

    def _is_swept(self, state: WorkflowState) -> bool:
        return any(one.sweep.site == state.site and one.workflow == state.workflow for one in self._sweeps.values())

    def install(self, state: WorkflowState, program: Program) -> None:
        """Have a workflow that no store knows."""
        self._programs[state.site, state.workflow, state.version] = program
        self.put(state)

    def put_site(self, state: SiteState) -> None:
        """The log has changed a site."""
        self._sites[state.site] = state

    # -- segments and sweeps -----------------------------------------------------------------------------------------

    def put_segment(self, state: SegmentState) -> None:
        """The log has defined a dynamic segment."""
        self._segments[state.site, state.segment] = state
        self._dynamics.pop(state.site, None)

    def drop_segment(self, site: int, segment: str) -> None:
        """A segment is not dynamic any more, or is no more."""
        self._segments.pop((site, segment), None)
        self._dynamics.pop(site, None)

    @property
    def has_segments(self) -> bool:
        """Whether any site has a dynamic segment."""
        return bool(self._segments)

    def segment(self, site: int, segment: str) -> SegmentState | None:
        """What the log says of a segment; None where it is not dynamic."""
        return self._segments.get((site, segment))

    def dynamics(self, site: int) -> Dynamics:
        """The dynamic segments of a site, ready to be tested."""
        if not self._segments:
            return NONE
        found = self._dynamics.get(site)
        if found is None:
            found = self._dynamics[site] = arranged(state for state in self._segments.values() if state.site == site)
        return found

    def put_sweep(self, sweep: Sweep) -> None:
        """The log asks for something to be done with all profiles; or some more of them have been done."""
        known = self._sweeps.get((sweep.site, sweep.id))
        if known is None or known.sweep.entry != sweep.entry:
            self.end_sweep(sweep.site, sweep.id)  # a later one comes behind those that were asked for before
        self._with_sweep(underway(sweep))

    def _with_sweep(self, one: Underway) -> None:
        state = self._states.get((one.sweep.site, one.workflow or ""))
        was = set() if state is None else self._wanted(state)
        self._sweeps[one.key] = one
        if state is not None:
            self._want(was, self._wanted(state))

    def end_sweep(self, site: int, id: str) -> None:
        """Nothing of it is left to be done."""
        one = self._sweeps.get((site, id))
        if one is None:
            return
        state = self._states.get((site, one.workflow or ""))
        was = set() if state is None else self._wanted(state)
        del self._sweeps[site, id]
        if state is not None:
            self._want(was, self._wanted(state))

    @property
    def has_sweeps(self) -> bool:
        """Whether something is to be done with all profiles of a site."""
        return bool(self._sweeps)

    def sweeps(self, site: int | None = None) -> Iterator[Underway]:
        """What is under way, for a site or for all, in the order in which it was asked for."""
        return (one for one in list(self._sweeps.values()) if site in (None, one.sweep.site))

    # -- sites and workflows -----------------------------------------------------------------------------------------

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
        started = [one for one in self._states.items() if one[1].status != ARCHIVED and not is_broadcast(one[0][1])]
        for (site, workflow), state in sorted(started):
            program = self._programs[site, workflow, state.version]
            for event in {} if program is None else dict.fromkeys(listener.event for listener in program.document.start.on):
                found[site, event] = (*found.get((site, event), ()), state)
        return found
