"""`examples/workflows/scenarios`: every scenario comes out as it says, and together they go everywhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.examples.scenarios import SCENARIOS, WORKFLOWS, document, play

from clarion.domain.operators import OPERATORS
from clarion.engine.expectations import differences
from clarion.engine.scenario import read_scenario
from clarion.engine.simulate import simulate
from clarion.workflow.document import DocumentShape
from clarion.workflow.nesting import walk
from clarion.workflow.steps import KINDS

NAMES = (
    "abandoned-cart",
    "back-in-stock",
    "breaking-news",
    "browse-abandonment",
    "onboarding",
    "payment-failed",
    "post-purchase-review",
    "price-drop",
    "sale-experiment",
    "trial-ending",
    "welcome-series",
    "win-back",
)


def names(files: list[Path]) -> list[str]:
    return [f"{file.parent.name}/{file.stem}" for file in files]


def test_there_are_twelve_workflows_each_with_scenarios() -> None:
    assert tuple(file.stem for file in WORKFLOWS) == NAMES
    assert {file.parent.name for file in SCENARIOS} == set(NAMES)


@pytest.mark.parametrize("file", SCENARIOS, ids=names(SCENARIOS))
def test_it_comes_out_as_it_says(file: Path) -> None:
    played = play(file)
    assert played.scenario.name
    assert played.unknown == []
    assert differences(played.scenario.expected, played.simulated) == []
    assert played.simulated.complete == (played.scenario.until is None), "a scenario ends, or says when to stop"


@pytest.mark.parametrize("file", SCENARIOS, ids=names(SCENARIOS))
def test_it_says_something(file: Path) -> None:
    expected = play(file).scenario.expected
    assert expected.ends
    assert expected.messages is not None


@pytest.mark.parametrize("workflow", NAMES)
def test_every_step_is_visited_by_some_scenario(workflow: str) -> None:
    visited = {step for file in SCENARIOS for step in play(file).visited(workflow)}
    assert {step.id for step in walk(document(workflow).steps)} == visited


@pytest.mark.parametrize("workflow", NAMES)
def test_every_workflow_has_a_scenario_in_which_nothing_or_less_is_sent(workflow: str) -> None:
    ends = [end for file in SCENARIOS if file.parent.name == workflow for end in [play(file).scenario.expected.ends[workflow]]]
    assert any("exited" in str(end) or "never started" in str(end) for end in ends)


def test_together_they_use_every_kind_of_step_and_every_key_of_a_document() -> None:
    schema = DocumentShape().schema()
    used = {key for file in WORKFLOWS for key in keys(document(file.stem).value)}
    assert used >= KINDS.keys()
    wanted = {*schema["properties"], *schema["properties"]["start"]["properties"], *schema["properties"]["settings"]["properties"]}
    wanted |= set(schema["properties"]["settings"]["properties"]["goal"]["properties"])
    for step in schema["$defs"]["step"]["oneOf"]:
        for part in step["properties"].values():
            wanted |= set(part.get("properties", {}))
    assert wanted - used == set()


def test_together_they_use_nearly_every_op() -> None:
    used = {value for file in WORKFLOWS for key, value in pairs(document(file.stem).value) if key == "op"}
    assert OPERATORS.keys() - used <= {"before", "after", "not_within_last"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("push: ten-off}", "push: free-shipping}", "push free-shipping at 2026-03-03T15:00:00.000Z did not come"),
        ("{at: 5h, push: ten-off}", "{at: 4h59m, push: ten-off}", "ten-off at 2026-03-03T14:59:00.000Z came at 2026-03-03T15:00:00.000Z"),
        ("price: 120}\n", 'price: "120"}\n', 'body is {"profile_id":"customer","cart_id":"c1","price":120}'),
        ("tag: cart-c1", "tag: cart-c2", 'tag is "cart-c1", not "cart-c2"'),
        (", completed]", "]", 'the runs of abandoned-cart should end ["exited: restarted"], but: ["exited: restarted","completed"]'),
        ("value: 118.5}", "value: 118}", "the goals of abandoned-cart should be worth 118, but: 118.5"),
        ("{at: 2h, click: remind, action: 0}", "{at: 1h, click: remind}", "nobody can have clicked remind at 2026-03-03T11:00:00.000Z"),
    ],
)  # fmt: skip
def test_what_comes_otherwise_is_told(old: str, new: str, said: str) -> None:
    [file] = [file for file in SCENARIOS if (file.parent.name, file.stem) == ("abandoned-cart", "reminded")]
    text = file.read_text(encoding="utf-8")
    assert old in text
    scenario = read_scenario(text.replace(old, new))
    simulated = simulate(play(file).documents, scenario.world, scenario.given, scenario.until)
    assert said in "\n".join(differences(scenario.expected, simulated))


def keys(value: Any) -> set[str]:
    return {key for key, _ in pairs(value)}


def pairs(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of every object inside a value, with what stands under it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from pairs(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from pairs(inner)
