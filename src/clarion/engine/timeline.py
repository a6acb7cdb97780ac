"""A simulation's course in lines: when, because of what, what it meant to which workflow and run, and why."""

from collections.abc import Iterator

import msgspec

from clarion.engine.simulate import Simulated
from clarion.engine.world import Happened, Reacted
from clarion.workflow.explain.reasons import tell_reason
from clarion.workflow.explain.verdicts import tell_verdict
from clarion.workflow.history import History

_decode = msgspec.json.Decoder(History).decode


class Line(msgspec.Struct, frozen=True):
    """One thing that happened."""

    at: int
    """UTC microseconds."""
    came: str
    """Because of what: the event's name, `timer`, `outcome` of a delivery."""
    workflow: str | None
    """None for an input that came to nothing."""
    run: str | None
    step: str | None
    what: str
    """A verdict or what a run did, as explanations have it; `nothing`."""
    sentence: str


def timeline(simulated: Simulated) -> list[Line]:
    """All lines, in their order."""
    unmet = [
        Line(one.at, one.event, None, None, None, "nothing", "nothing listens for it")
        for one in simulated.unmet
        if isinstance(one, Happened)
    ]
    unmet += [
        Line(one.at, one.receipt, None, None, None, "nothing", f"no push of step {one.step} had been sent")
        for one in simulated.unmet
        if isinstance(one, Reacted)
    ]
    return sorted([*_told(simulated), *unmet], key=lambda line: line.at)


def _told(simulated: Simulated) -> Iterator[Line]:
    workflows = {run.id: run.workflow for run in simulated.runs}
    for explanation in simulated.explanations:
        history = _decode(explanation.body)
        for verdict in history.verdicts:
            told = tell_verdict(verdict, explanation.at)
            yield Line(explanation.at, history.name, told.workflow, told.run_id, None, told.verdict, told.sentence)
        for run, reasons in history.runs:
            for reason in reasons:
                said = tell_reason(reason)
                yield Line(said.at, history.name, workflows.get(run), run, said.step, said.what, said.sentence)
