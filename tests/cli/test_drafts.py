"""`clarion workflows draft|publish|discard|duplicate|plan` on a local data directory, and the statuses of a workflow."""

from pathlib import Path

import pytest
from tests.cli.conftest import Cli, Result
from tests.e2e.engines import ENGINES

DOCUMENT = """# what we send after an hour
workflow: reminder
name: Reminder
start: {on: [{event: add_to_cart}]}
steps:
  - {id: hour, wait: {for: 1h}}
"""


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "reminder.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


@pytest.fixture
def workflows(cli: Cli, data: Path) -> Cli:
    def call(*arguments: object) -> Result:
        return cli("workflows", *arguments, "--data", data)

    return call


def test_a_draft_is_saved_shown_and_published(workflows: Cli, document: Path, data: Path) -> None:
    assert workflows("draft", document) == (0, "reminder: the draft is saved\n", "")
    [listed] = [row for row in workflows("list", "--json").json if row["workflow"] == "reminder"]
    assert (listed["status"], listed["version"], listed["draft"]) == ("draft", 0, listed["changed"])
    assert workflows("show", "reminder").out == workflows("show", "reminder", "--draft").out == DOCUMENT
    assert workflows("publish", "reminder").out == "reminder: version 1 is published\n"
    assert workflows("show", "reminder", "--json").json["draft"] is None
    failed = workflows("publish", "reminder")
    assert failed == (1, "", f"error: reminder has no draft to publish — save one: clarion workflows draft --data {data} FILE\n")
    assert workflows("show", "reminder", "--draft").err == f"error: reminder has no draft — see: clarion workflows list --data {data}\n"


def test_a_draft_with_problems_is_saved_and_they_are_told(cli: Cli, workflows: Cli, document: Path) -> None:
    document.write_text(DOCUMENT + '"\\e[31m": 1\n', encoding="utf-8")
    saved = workflows("draft", document)
    assert saved.code == 0
    assert saved.out == "reminder: the draft is saved, 1 to correct\n"
    assert saved.err == cli("workflows", "validate", document).err.replace("error: ", "problem: ")
    assert saved.err.startswith(f"problem: {document}: line 7, column ")
    assert "\x1b" not in saved.err
    document.write_text(DOCUMENT.replace("wait: {for: 1h}", "wait: {for: 1h, x: 1, y: 2}"), encoding="utf-8")
    view = workflows("draft", document, "--json").json
    assert (view["valid"], view["problems"][0]["line"]) == (False, 6)
    failed = workflows("publish", "reminder")
    assert (failed.code, failed.out) == (1, "")
    assert [line.split(": ")[:3] for line in failed.err.splitlines()] == [
        ["error", "line 6, column 35", "steps[0].wait.x"],
        ["error", "line 6, column 41", "steps[0].wait.y"],
    ]
    assert workflows("duplicate", "reminder", "second").err.startswith("problem: second: line ")


def test_a_draft_has_to_say_whose_it_is(workflows: Cli, document: Path) -> None:
    document.write_text("{", encoding="utf-8")
    failed = workflows("draft", document)
    assert (failed.code, failed.out) == (1, "")
    assert f"{document} does not say whose draft it is — name its workflow with --workflow" in failed.err
    assert workflows("draft", document, "--workflow", "reminder").code == 0
    assert "workflow must be lower-case" in workflows("draft", document, "--workflow", "No Slug").err


def test_a_draft_is_discarded(workflows: Cli, document: Path, data: Path) -> None:
    workflows("draft", document)
    assert workflows("discard", "reminder") == (0, "reminder: the draft is discarded\n", "")
    assert workflows("discard", "reminder", "--json").err == f"error: reminder has no draft — see: clarion workflows list --data {data}\n"
    assert [row["workflow"] for row in workflows("list", "--json").json] == ["welcome"]
    workflows("draft", document)
    assert workflows("discard", "reminder", "--json").json == {}


def test_a_duplicate_is_a_draft_of_its_own(workflows: Cli, document: Path) -> None:
    workflows("apply", document)
    assert workflows("duplicate", "reminder", "second") == (0, "second: the draft is saved\n", "")
    assert workflows("show", "second").out == DOCUMENT.replace("workflow: reminder", "workflow: second")
    assert workflows("duplicate", "reminder", "second").err == "error: there is a workflow second already — choose another name\n"
    assert workflows("duplicate", "reminder", "third", "--json").json["workflow"] == "third"


def test_a_plan_says_what_would_change(workflows: Cli, document: Path) -> None:
    assert workflows("plan", document).out.splitlines() == [
        "reminder: would become version 1",
        "  steps added: hour",
        "  runs in flight: 0",
        "    --runs keep: 0 finish on their version",
        "    --runs move: 0 go on, 0 exit because their step is gone",
        "    --runs end: 0 end",
    ]
    workflows("apply", document)
    assert workflows("plan", document).out.startswith("reminder: the document is version 1 already\n")
    document.write_text(DOCUMENT.replace("id: hour", "id: day").replace("name: Reminder", "name: Other"), encoding="utf-8")
    said = workflows("plan", document, "--runs", "move").out.splitlines()
    assert said == [
        "reminder: would become version 2",
        "  changed: name",
        "  steps added: day",
        "  steps removed: hour",
        "  runs in flight: 0",
        "    --runs move: 0 go on, 0 exit because their step is gone",
    ]
    assert workflows("plan", document, "--runs", "end", "--json").json["runs"] == {"end": {"exit": 0}}
    document.write_text("{", encoding="utf-8")
    assert workflows("plan", document).code == 1


def test_applying_may_say_what_becomes_of_runs(workflows: Cli, document: Path) -> None:
    assert workflows("apply", document, "--runs", "move").out == "reminder: version 1 is published\n"
    failed = workflows("apply", document, "--runs", "restart")
    assert failed.code == 2
    assert "'restart' is not one of" in failed.err


def test_a_workflow_goes_from_status_to_status(workflows: Cli, document: Path, data: Path) -> None:
    workflows("apply", document)
    for command, status in [
        ("drain", "draining"),
        ("activate", "active"),
        ("pause", "paused"),
        ("drain", "draining"),
        ("archive", "archived"),
    ]:
        assert workflows(command, "reminder") == (0, f"reminder: {status}\n", "")
    failed = workflows("resume", "reminder", "--json")
    assert failed == (
        1,
        "",
        "error: reminder is archived and cannot be resumed — publish it to make it active again: "
        f"clarion workflows publish --data {data} reminder\n",
    )
    assert workflows("publish", "reminder").out == "reminder: version 1 is active again\n"
    assert workflows("archive", "reminder", "--json").json["status"] == "archived"
    assert workflows("apply", document).out == "reminder: version 1 is active again\n"


@pytest.mark.parametrize("command", ["publish", "discard", "drain", "activate", "archive", "counters"])
def test_an_unknown_workflow_is_named(workflows: Cli, command: str, data: Path) -> None:
    failed = workflows(command, "missing")
    assert (failed.code, failed.out) == (1, "")
    assert "missing" in failed.err
    assert failed.err.endswith(f"— see: clarion workflows list --data {data}\n")
