"""`clarion workflows` on a local data directory."""

import io
import sys
from pathlib import Path

import jsonschema
import pytest
from tests.cli.conftest import Cli
from tests.e2e.engines import ENGINES

from clarion.cli.setup import EXAMPLE

DOCUMENT = """workflow: reminder
name: Reminder
start: {on: [{event: add_to_cart}]}
steps:
\t\t
  - {id: hour, wait: {for: 1h}}
""".replace("\t\t\n", "")


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "reminder.yaml"
    path.write_text(DOCUMENT, encoding="utf-8")
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.yaml"
    path.write_text(DOCUMENT.replace("wait:", "wiat:"), encoding="utf-8")
    return path


def test_a_valid_document_needs_no_data_directory(cli: Cli, document: Path) -> None:
    judged = cli("workflows", "validate", document)
    assert judged == (0, f"{document}: valid (reminder)\n", "")


def test_problems_have_file_line_and_reason(cli: Cli, document: Path, broken: Path) -> None:
    judged = cli("workflows", "validate", document, broken)
    assert judged.code == 1
    assert judged.out == f"{document}: valid (reminder)\n"
    assert judged.err.startswith(f"error: {broken}: line 5, column ")
    assert "steps[0]" in judged.err


def test_problems_as_json(cli: Cli, document: Path, broken: Path) -> None:
    judged = cli("workflows", "validate", document, broken, "--json")
    assert (judged.code, judged.err) == (1, "")
    good, bad = judged.json
    assert good == {"file": str(document), "valid": True, "workflow": "reminder", "problems": []}
    assert bad["valid"] is False
    assert bad["problems"][0]["line"] == 5
    assert bad["problems"][0]["path"][:2] == ["steps", 0]


def test_standard_input_is_a_file_too(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(DOCUMENT.encode())))
    assert cli("workflows", "validate", "-").out == "standard input: valid (reminder)\n"


def test_files_that_are_no_documents_are_told(cli: Cli, tmp_path: Path) -> None:
    assert cli("workflows", "validate", tmp_path / "none.yaml").err.endswith(
        "none.yaml cannot be read: No such file or directory — check the path\n"
    )
    assert "Is a directory" in cli("workflows", "validate", tmp_path).err
    (tmp_path / "latin.yaml").write_bytes(b"name: \xff")
    assert cli("workflows", "validate", tmp_path / "latin.yaml").err.endswith("latin.yaml: is not UTF-8 (byte 6)\n")
    (tmp_path / "large.yaml").write_bytes(b"#" * (256 * 1024 + 1))
    assert "larger than 256 KiB" in cli("workflows", "validate", tmp_path / "large.yaml").err
    (tmp_path / "steer.yaml").write_bytes(b'"\\e[31m": 1\n')
    assert "\x1b" not in cli("workflows", "validate", tmp_path / "steer.yaml").err


def test_applies_once_per_change(cli: Cli, data: Path, document: Path) -> None:
    assert cli("workflows", "apply", document, "--data", data) == (0, "reminder: version 1 is published\n", "")
    assert cli("workflows", "apply", document, "--data", data).out == "reminder: version 1 is unchanged\n"
    document.write_text(DOCUMENT.replace("1h", "2h"))
    [view] = cli("workflows", "apply", document, "--data", data, "--json").json
    assert (view["workflow"], view["version"], view["created"], view["status"]) == ("reminder", 2, True, "active")


def test_publishes_nothing_if_one_document_is_broken(cli: Cli, data: Path, document: Path, broken: Path) -> None:
    failed = cli("workflows", "apply", document, broken, "--data", data)
    assert (failed.code, failed.out) == (1, "")
    assert str(broken) in failed.err
    assert [view["workflow"] for view in cli("workflows", "list", "--data", data, "--json").json] == ["welcome"]


def test_what_is_shown_can_be_applied_again(cli: Cli, data: Path, document: Path, tmp_path: Path) -> None:
    cli("workflows", "apply", document, "--data", data)
    shown = cli("workflows", "show", "reminder", "--data", data)
    assert shown.out == DOCUMENT
    (tmp_path / "again.yaml").write_text(shown.out)
    assert "is unchanged" in cli("workflows", "apply", tmp_path / "again.yaml", "--data", data).out
    view = cli("workflows", "show", "reminder", "--data", data, "--json").json
    assert view["source"] == DOCUMENT
    assert view["document"]["steps"] == [{"id": "hour", "wait": {"for": "1h"}}]


def test_pauses_and_resumes(cli: Cli, data: Path) -> None:
    assert cli("workflows", "pause", "welcome", "--data", data).out == "welcome: paused\n"
    assert cli("workflows", "list", "--data", data, "--json").json[0]["status"] == "paused"
    assert cli("workflows", "resume", "welcome", "--data", data, "--skip-older-than", "1h", "--json").json["status"] == "active"
    failed = cli("workflows", "resume", "welcome", "--data", data, "--skip-older-than", "soon")
    assert failed.code == 1
    assert failed.err.startswith("error: skip_older_than is no duration")


def test_an_unknown_workflow_is_named(cli: Cli, data: Path) -> None:
    for command in ("show", "pause", "resume"):
        failed = cli("workflows", command, "missing", "--data", data)
        assert failed == (1, "", f"error: there is no workflow missing — see: clarion workflows list --data {data}\n")


def test_the_example_meets_the_schema(cli: Cli) -> None:
    from ruamel.yaml import YAML

    schema = cli("workflows", "schema").json
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(YAML(typ="safe").load(EXAMPLE.read_text(encoding="utf-8")), schema)
    assert cli("workflows", "validate", EXAMPLE).code == 0
