"""The commands that are told to run: they can be run as they stand."""

import sys
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from clarion.cli.invocation import as_invoked, data_option, invoked
from clarion.cli.serve import welcome


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """`.venv/bin/clarion` below the working directory."""
    path = tmp_path / ".venv" / "bin" / "clarion"
    path.parent.mkdir(parents=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o700)
    return path


def called(monkeypatch: pytest.MonkeyPatch, name: str, path: str = "/nowhere") -> None:
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.setenv("PATH", path)


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        (".venv/bin/clarion", ".venv/bin/clarion"),
        ("/opt/my apps/clarion", "'/opt/my apps/clarion'"),
        ("clarion", "clarion"),
        ("/opt/clarion/cli/__main__.py", "clarion"),
        ("-c", "clarion"),
        ("", "clarion"),
    ],
)
def test_the_command_is_shown_as_it_was_typed(monkeypatch: pytest.MonkeyPatch, name: str, typed: str) -> None:
    called(monkeypatch, name)
    assert invoked() == typed


def test_a_script_that_the_shell_finds_is_shown_by_its_name(monkeypatch: pytest.MonkeyPatch, script: Path) -> None:
    called(monkeypatch, str(script), str(script.parent))
    assert invoked() == "clarion"


def test_another_clarion_that_the_shell_finds_is_not_meant(monkeypatch: pytest.MonkeyPatch, script: Path) -> None:
    called(monkeypatch, "other/clarion", str(script.parent))
    assert invoked() == "other/clarion"


def test_only_commands_in_a_message_change(monkeypatch: pytest.MonkeyPatch) -> None:
    called(monkeypatch, "./clarion")
    assert as_invoked("another clarion serve is running — see: clarion --help, or: clarion doctor") == (
        "another clarion serve is running — see: ./clarion --help, or: ./clarion doctor"
    )
    assert as_invoked("run `clarion migrate`; ./x/clarion.db: clarion.db") == "run `./clarion migrate`; ./x/clarion.db: clarion.db"


@pytest.mark.parametrize(
    ("variable", "data", "option"),
    [
        (None, "data", ""),
        (None, "./data", ""),
        ("", "data", ""),
        ("data", "data", ""),
        (None, "/srv/my data", " --data '/srv/my data'"),
        ("/srv/other", "/srv/other", " --data /srv/other"),
        ("/srv/other", "data", " --data data"),
    ],
)
def test_the_directory_is_named_unless_every_shell_finds_it(
    monkeypatch: pytest.MonkeyPatch, variable: str | None, data: str, option: str
) -> None:
    if variable is not None:
        monkeypatch.setenv("CLARION_DATA", variable)
    assert data_option(Path(data)) == option


def test_the_first_minutes_commands_can_be_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    called(monkeypatch, ".venv/bin/clarion")
    made = cli("init").out
    why = ("profiles show user-1\n", "explain --profile user-1 --workflow welcome\n")
    for command in ("serve\n", "events send add_to_cart --profile user-1", *why, "sites create --name NAME"):
        assert f"  .venv/bin/clarion {command}" in made
    assert ": .venv/bin/clarion keys create --name NAME\n" in cli("init").out
    said = welcome("127.0.0.1", 8080, Path("data"), "clk_x", explain=True)
    assert f"{said}\n".endswith("See what it did, and why:\n\n" + "".join(f"  .venv/bin/clarion {command}" for command in why))
    said = welcome("127.0.0.1", 8080, Path("/srv/x"), None, explain=True)
    assert "For a new one: .venv/bin/clarion keys create --data /srv/x --name NAME\n" in said
    assert cli("workflows", "show", "x").err.endswith(" — see: .venv/bin/clarion workflows list\n")
    assert cli("keys", "frobnicate").err.endswith(" — see: .venv/bin/clarion keys --help\n")
    assert "run: .venv/bin/clarion init --data none\n" in cli("doctor", "--data", "none").err
