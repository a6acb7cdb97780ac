"""The docs say what is true: generated pages are current, everything public is named, links lead somewhere, examples are valid."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from clarion.config import NAMES
from clarion.engine.expectations import differences
from clarion.engine.scenario import read_scenario, unknown_names
from clarion.engine.scenario_shapes import scenario_schema
from clarion.engine.simulate import simulate
from clarion.faults import POINTS
from clarion.workflow.document import DocumentShape
from clarion.workflow.source import DocumentInvalid, read_document
from clarion.workflow.steps import KINDS

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
REFERENCE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs" / "reference").glob("*.md")))


def test_the_generated_pages_are_current() -> None:
    done = subprocess.run([sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [*NAMES, *POINTS, *KINDS])
def test_every_setting_fault_point_and_step_is_in_the_reference(name: str) -> None:
    assert name in REFERENCE


def test_every_key_of_a_document_is_in_the_workflow_page() -> None:
    page = (ROOT / "docs" / "reference" / "workflow.md").read_text(encoding="utf-8")
    schema = DocumentShape().schema()
    keys = {*schema["properties"], *schema["properties"]["start"]["properties"]}
    for step in schema["$defs"]["step"]["oneOf"]:
        for part in step["properties"].values():
            keys |= set(part.get("properties", {}))
    assert not [key for key in sorted(keys) if f"`{key}`" not in page]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    missing = [
        target for target in targets if not target.startswith(("http:", "https:", "mailto:")) and not (page.parent / target).exists()
    ]
    assert not missing


def blocks() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)):
            if re.search(r"^workflow:", block, re.MULTILINE):
                found.append((f"{page.relative_to(ROOT)}#{number}", block))
    return found


@pytest.mark.parametrize("block", [block for _, block in blocks()], ids=[name for name, _ in blocks()])
def test_workflows_in_the_docs_are_valid(block: str) -> None:
    try:
        read_document(block)
    except DocumentInvalid as error:
        pytest.fail("\n".join(str(problem) for problem in error.problems))


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "how-to").glob("*.md")), ids=lambda path: path.name)
def test_how_tos_write_the_command_as_the_readme_says(page: Path) -> None:
    assert ".venv/bin" not in page.read_text(encoding="utf-8")


def test_a_workflow_that_one_page_publishes_does_not_replace_anothers() -> None:
    pages = ("README.md", "docs/tutorial/first-workflow.md")
    slugs = [read_document(block).workflow for name, block in blocks() if name.partition("#")[0] in pages]
    assert len(slugs) == len(set(slugs)) == 2


def test_every_key_of_a_scenario_is_in_its_page() -> None:
    page = (ROOT / "docs" / "reference" / "scenario.md").read_text(encoding="utf-8")
    assert not [key for key in sorted(named(scenario_schema())) if f"`{key}`" not in page]


def named(schema: Any) -> set[str]:
    """The keys that a schema names, at any depth."""
    if isinstance(schema, list):
        return {key for inner in schema for key in named(inner)}
    if not isinstance(schema, dict):
        return set()
    own = schema.get("properties", {})
    return set(own) | {key for inner in [*own.values(), *(schema[name] for name in schema.keys() - {"properties"})] for key in named(inner)}


@pytest.mark.parametrize("page", ["reference/scenario.md", "how-to/simulate-a-workflow.md"])
def test_scenarios_in_the_docs_come_out_as_they_say(page: str) -> None:
    document = read_document((ROOT / "examples" / "workflows" / "abandoned-cart.yaml").read_text(encoding="utf-8"))
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    [block] = [block for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL) if re.search(r"^starts:", block, re.MULTILINE)]
    scenario = read_scenario(block)
    assert unknown_names(scenario, [document]) == []
    assert differences(scenario.expected, simulate([document], scenario.world, scenario.given, scenario.until)) == []
