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
_LEAVING = ("push", "http", "wait_for")
"""The kinds of steps that leave anything."""
_STATUS = {"http": NUMBER, "push": one_of(*STATUSES)}
"""What the `status` of a step can be, by its kind."""


class References:
    """The steps of a document that is being read."""

    __slots__ = ("_by_id", "_by_path", "_sketches")

    def __init__(self, sketches: Sequence[Sketch]) -> None:
        self._by_id: dict[str, int] = {}
        """Numbers; of the first where several have the same id. What begins with a reserved one is no step's."""
        for number, one in enumerate(sketches):
            if one.id not in ROOTS:
                self._by_id.setdefault(one.id, number)
        self._by_path = {one.path: number for number, one in enumerate(sketches)}
        self._sketches = sketches

    def field_problem(self, field: str, reading: Reading) -> str | None:
        """As `Reading.reference_problem`."""
        root, _, rest = field.removesuffix("[]").partition(".")
        if field == "run.key" and reading.standing is None and not reading.running:
            return "no run has started yet, so there is no run.key"
        if root not in self._by_id:
            return None
        number = self._by_id[root]
        unfit = _part_problem(self._sketches[number], rest.partition(".")[0])
        return unfit or self._order_problem(number, reading) or self._timeout_problem(number, reading)

    def push_problem(self, id: str, reading: Reading) -> str | None:
        """As `Reading.push_problem`."""
        if id not in self._by_id:
            pushes = [known for known, number in self._by_id.items() if self._sketches[number].kind == "push"]
            return f"there is no step {quoted(id)}{did_you_mean(id, pushes)}"
        number = self._by_id[id]
        step = self._sketches[number]
        if step.kind != "push":
            return f"{quoted(id)} is a {step.kind or 'broken'} step, not a push"
        return self._order_problem(number, reading)

    def possible(self, field: str) -> Possible | None:
        """As `Reading.possible`; None for what is no step's, or not known."""
        root, _, rest = field.partition(".")
        number = self._by_id.get(root) if rest == "status" else None
        return None if number is None else _STATUS.get(self._sketches[number].kind)

    def _timeout_problem(self, number: int, reading: Reading) -> str | None:
        """Where a `wait_for` has timed out, it has no event."""
        step = self._sketches[number]
        if step.kind != "wait_for" or reading.standing is None:
            return None
        timed_out = (number, _OTHERWISE) in self._sketches[self._by_path[reading.standing]].trail
        return f"step {quoted(step.id)} has timed out where this stands: no event came" if timed_out else None

    def _order_problem(self, number: int, reading: Reading) -> str | None:
        step = self._sketches[number]
        if reading.standing is None:
            return None if reading.running else f"no step has run yet, {quoted(step.id)} neither"
        here = self._by_path[reading.standing]
        if number > here:
            return f"step {quoted(step.id)} comes later"
        if number == here:
            return f"step {quoted(step.id)} is this one: it has left nothing yet"
        mine = dict(self._sketches[here].trail)
        if any(mine.get(branching, branch) != branch for branching, branch in step.trail):
            return f"step {quoted(step.id)} is on another branch: no run takes both"
        return None


def _part_problem(step: Sketch, part: str) -> str | None:
    """Why a step leaves no such part; without one, why it leaves nothing."""
    if part and part not in _LEAVES:
        return f"{quoted(step.id)} leaves no {quoted(part)}: a step leaves {', '.join(_LEAVES)}"
    kinds = _LEAVES[part] if part else _LEAVING
    if step.kind not in kinds:
        leaves = f"no {part}" if part else "nothing"
        return f"{quoted(step.id)} is a {step.kind or 'broken'} step, which leaves {leaves}: only {' and '.join(kinds)} steps do"
    if step.kind == "http" and not step.awaits:
        return f"{quoted(step.id)} does not wait for its outcome: give it await: true"
    return None
