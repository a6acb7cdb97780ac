"""An explanation in a few sentences, from what it holds itself."""

from clarion.control.explain.books import read_history
from clarion.store.records.explanations import Explanation
from clarion.workflow.explain import words
from clarion.workflow.explain.reasons import tell_reason
from clarion.workflow.explain.verdicts import tell_verdict


def sentences(explanation: Explanation) -> list[str]:
    """What the input meant to workflows, then what runs did."""
    history = read_history(explanation)
    said = [f"{words.name(one.workflow)}: {tell_verdict(one, explanation.at).sentence}" for one in history.verdicts]
    for run, reasons in history.runs:
        said += [f"run {words.name(run)}, step {words.name(one.step or '-')}: {tell_reason(one).sentence}" for one in reasons]
    return said
