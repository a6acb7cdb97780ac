"""What one part of a document may say of a step: whether that step can have left anything by then."""

from collections.abc import Sequence

from clarion.domain.lookup import ROOTS
from clarion.domain.problems import did_you_mean, quoted
from clarion.workflow.nesting import Sketch
from clarion.workflow.possible import NUMBER, Possible, one_of
from clarion.workflow.shapes import Reading
from clarion.workflow.steps.push import STATUSES

_OTHERWISE = 1
"""Number of the branch that a `wait_for` takes when nothing came."""
_LEAVES = {"event": ("wait_for",), "response": ("http",), "status": ("http", "push")}
"""By part of a step's field: the kinds of steps that have it."""
_STATUS = {"http": NUMBER, "push": one_of(*STATUSES)}
"""What the `status` of a step can be, by its kind."""


class References:
    """The steps of a document that is being read."""

    __slots__ = ("_by_id", "_by_path", "_sketches")

    def __init__(self, sketches: Sequence[Sketch]) -> None:
        self._by_id: dict[str, tuple[int, Sketch]] = {}
        for number, one in enumerate(sketches):
            if one.id:
                self._by_id.setdefault(one.id, (number, one))
        self._by_path = {one.path: number for number, one in enumerate(sketches)}
        self._sketches = sketches

    def field_problem(self, field: str, reading: Reading) -> str | None:
        """As `Reading.reference_problem`."""
        root, _, rest = field.partition(".")
        if field == "run.key" and reading.standing is None and not reading.running:
            return "no run has started yet, so there is no run.key"
        if root in ROOTS or root not in self._by_id:
            return None
        number, step = self._by_id[root]
        part = rest.partition(".")[0].removesuffix("[]")
        kinds = _LEAVES.get(part, ())
        if step.kind not in kinds:
            return f"{quoted(root)} is a {step.kind or 'broken'} step, which leaves no {part}: only {' and '.join(kinds)} steps do"
        if step.kind == "http" and not step.awaits:
            return f"{quoted(root)} does not wait for its outcome: give it await: true"
        return self._order_problem(number, step, reading) or self._timeout_problem(number, part, reading)

    def push_problem(self, id: str, reading: Reading) -> str | None:
        """As `Reading.push_problem`."""
        if id not in self._by_id:
            pushes = [one.id for one in self._sketches if one.kind == "push" and one.id]
            return f"there is no step {quoted(id)}{did_you_mean(id, pushes)}"
        number, step = self._by_id[id]
        if step.kind != "push":
            return f"{quoted(id)} is a {step.kind or 'broken'} step, not a push"
        return self._order_problem(number, step, reading)

    def possible(self, field: str) -> Possible | None:
        """As `Reading.possible`; None for what is no step's, or not known."""
        root, _, rest = field.partition(".")
        return _STATUS.get(self._by_id[root][1].kind) if rest == "status" and root in self._by_id else None

    def _timeout_problem(self, number: int, part: str, reading: Reading) -> str | None:
        """Where a `wait_for` has timed out, it has no event."""
        if part != "event" or reading.standing is None:
            return None
        trail = self._sketches[self._by_path[reading.standing]].trail
        timed_out = (number, _OTHERWISE) in trail
        return f"step {quoted(self._sketches[number].id)} has timed out where this stands: no event came" if timed_out else None

    def _order_problem(self, number: int, step: Sketch, reading: Reading) -> str | None:
        if reading.standing is None:
            return None if reading.running else f"no step has run yet, {quoted(step.id)} neither"
        here = self._by_path[reading.standing]
        if number >= here and step.path != reading.standing:
            return f"step {quoted(step.id)} comes later"
        if step.path == reading.standing:
            return f"step {quoted(step.id)} is this one: it has left nothing yet"
        mine = dict(self._sketches[here].trail)
        if any(mine.get(branching, branch) != branch for branching, branch in step.trail):
            return f"step {quoted(step.id)} is on another branch: no run takes both"
        return None
