"""The scenarios beside the example workflows, and what each comes to."""

from functools import cache
from pathlib import Path

import msgspec
from tests.examples.conftest import EXAMPLES

from clarion.engine.scenario import Scenario, read_scenario, unknown_names
from clarion.engine.simulate import Simulated, simulate
from clarion.workflow.document import Document
from clarion.workflow.history import History
from clarion.workflow.nesting import walk
from clarion.workflow.source import Located, read_document
from clarion.workflow.steps.start_workflow import StartWorkflow

WORKFLOWS = sorted((EXAMPLES / "workflows").glob("*.yaml"))
SCENARIOS = sorted((EXAMPLES / "workflows" / "scenarios").glob("*/*.yaml"))


class Played(msgspec.Struct):
    """A scenario and what came of it."""

    scenario: Scenario
    documents: list[Document]
    simulated: Simulated

    @property
    def unknown(self) -> list[Located]:
        return unknown_names(self.scenario, self.documents)

    def visited(self, workflow: str) -> set[str]:
        """Steps of a workflow that its runs came to."""
        return {one.step for one in self.simulated.counts if (one.workflow, one.name) == (workflow, "entered")}

    @property
    def histories(self) -> list[History]:
        return [msgspec.json.decode(one.body, type=History) for one in self.simulated.explanations]


@cache
def document(workflow: str) -> Document:
    return read_document((EXAMPLES / "workflows" / f"{workflow}.yaml").read_text(encoding="utf-8"))


@cache
def play(file: Path) -> Played:
    """Run a scenario with its workflow and those that it starts."""
    wanted, documents = [file.parent.name], []
    for workflow in wanted:
        documents.append(document(workflow))
        wanted += [step.workflow for step in walk(documents[-1].steps) if isinstance(step, StartWorkflow) and step.workflow not in wanted]
    scenario = read_scenario(file.read_text(encoding="utf-8"))
    return Played(scenario, documents, simulate(documents, scenario.world, scenario.given, scenario.until))
