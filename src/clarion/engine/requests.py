"""What entries ask to be done with all profiles of a site: noted in the books, and in the registry (semantics §5, §7)."""

from clarion.domain.operators import DATED
from clarion.engine.dynamics import compiled
from clarion.engine.ledger import Ledger
from clarion.engine.registry import Registry
from clarion.engine.sweeps import DEFINE, FORGET, Underway, sweep_id, sweep_of
from clarion.store.records.bodies import BroadcastStart, SegmentChange
from clarion.store.records.states import SegmentState, Sweep
from clarion.workflow.start import ARCHIVED


class Requests:
    """Sweeps and definitions of segments in a ledger."""

    def __init__(self, ledger: Ledger, registry: Registry) -> None:
        self._ledger, self._registry = ledger, registry
        for one in registry.sweeps():
            ledger.sweeps.load(one.key, one.sweep)

    def segment(self, site: int, change: SegmentChange, entry: str, now: int) -> None:
        """A segment was defined, or is no more. Raises ValueError for a change that makes no sense.

        Who is in a static segment that was dynamic, or is to be forgotten, is still to be seen by profile.
        """
        known = self._registry.segment(site, change.segment)
        if known is not None:
            self._ledger.segments.load((site, change.segment), known)
        match change.change:
            case "define" if change.condition is not None:
                state = SegmentState(site, change.segment, change.condition, now)
                compiled(state)
                self._ledger.segments.put((site, change.segment), state)
                self._registry.put_segment(state)
                self._ask(sweep_of(site, change, entry, now))
            case "define":
                self._drop_segment(site, change.segment)
                running = self._ledger.sweeps.get((site, sweep_id(change)))
                if running is not None and self._is_definition(site, running):
                    self.end(site, running.id)
            case "forget":
                self._drop_segment(site, change.segment)
                self._ask(sweep_of(site, change, entry, now))
            case _:
                raise ValueError(f"unknown change {change.change!r} of segment {change.segment}")

    def _drop_segment(self, site: int, segment: str) -> None:
        self._ledger.segments.remove((site, segment))
        self._registry.drop_segment(site, segment)

    def _is_definition(self, site: int, sweep: Sweep) -> bool:
        found = next((one for one in self._registry.sweeps(site) if one.sweep.id == sweep.id), None)
        return found is not None and isinstance(found.asked, SegmentChange) and found.asked.change != FORGET

    def broadcast(self, site: int, asked: BroadcastStart, entry: str, now: int) -> None:
        """A workflow starts for everybody. Raises ValueError where it was never published."""
        state = self._registry.state(site, asked.workflow)
        if state is None:
            raise ValueError(f"workflow {asked.workflow} was never published")
        if state.status != ARCHIVED and asked.profile is None:
            self._ask(sweep_of(site, asked, entry, now))

    def archived(self, site: int, workflow: str) -> None:
        """A workflow starts for nobody any more."""
        for one in self._registry.sweeps(site):
            if one.workflow == workflow:
                self.end(site, one.sweep.id)

    def moved_to_zone(self, site: int, entry: str, now: int) -> bool:
        """Dates without an offset mean other instants: segments with dates are as if defined anew. Returns whether there are any."""
        found = False
        for one in self._registry.dynamics(site).all:
            state = self._registry.segment(site, one.segment)
            if state is not None and not one.condition.ops.isdisjoint(DATED):
                self._ask(sweep_of(site, SegmentChange(one.segment, DEFINE, state.condition), entry, now))
                found = True
        return found

    def _ask(self, sweep: Sweep) -> None:
        self._ledger.sweeps.put((sweep.site, sweep.id), sweep)
        self._registry.put_sweep(sweep)

    def end(self, site: int, id: str) -> None:
        """Nothing is left to be done."""
        self._ledger.sweeps.remove((site, id))
        self._registry.end_sweep(site, id)

    def done(self, one: Underway, cursor: str, count: int) -> None:
        """So many more profiles have had their turn, up to this one; the registry hears of it when it is in the store."""
        sweep = one.sweep
        self._ledger.sweeps.put(one.key, Sweep(sweep.site, sweep.id, sweep.at, sweep.entry, sweep.body, cursor, sweep.done + count))
