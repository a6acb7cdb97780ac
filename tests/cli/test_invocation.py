"""The commands that are told to run: they can be run as they stand."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from typer.main import get_command

import clarion.cli
from clarion.cli.app import app
from clarion.cli.invocation import as_invoked, data_option, forget, invoked, remember
from clarion.cli.serve import welcome

_TOLD = re.compile(r"(?:see|run): (clarion [^\"'`;—]+)")


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
    for command in ("serve\n", "events send add_to_cart --profile user-1", *why):
        assert f"  .venv/bin/clarion {command}" in made
    assert ": .venv/bin/clarion sites set 1 --vapid-subject" in made
    assert ": .venv/bin/clarion keys create --name NAME\n" in cli("init").out
    said = welcome("127.0.0.1", 8080, Path("data"), "clk_x", explain=True)
    assert f"{said}\n".endswith("See what it did, and why:\n\n" + "".join(f"  .venv/bin/clarion {command}" for command in why))
    said = welcome("127.0.0.1", 8080, Path("/srv/x"), None, explain=True)
    assert "For a new one: .venv/bin/clarion keys create --data /srv/x --name NAME\n" in said
    assert cli("workflows", "show", "x").err.endswith(" — see: .venv/bin/clarion workflows list\n")
    assert cli("keys", "frobnicate").err.endswith(" — see: .venv/bin/clarion keys --help\n")
    assert "run: .venv/bin/clarion init --data none\n" in cli("doctor", "--data", "none").err


@pytest.fixture
def by_name(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A command that was called by its name; what it was given is forgotten with it."""
    called(monkeypatch, "clarion")
    yield
    forget()


@pytest.mark.usefixtures("by_name")
def test_a_command_that_is_told_acts_on_the_same_directory_and_site() -> None:
    remember("--data", "/srv/my shop")
    remember("--site", "2")
    told = as_invoked("see: clarion events tail --json, or: clarion sites list, or run `clarion simulate FILE`")
    assert told == (
        "see: clarion events tail --data '/srv/my shop' --site 2 --json, or: clarion sites list --data '/srv/my shop', "
        "or run `clarion simulate FILE`"
    )
    assert as_invoked("set it: clarion sites set 1 --data x --name y") == "set it: clarion sites set 1 --data x --name y"
    forget()
    assert as_invoked("see: clarion events tail") == "see: clarion events tail"


@pytest.mark.usefixtures("by_name")
def test_a_command_that_is_told_asks_the_same_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_DATA", "/srv/x")
    remember("--server", "http://127.0.0.1:1")
    assert as_invoked("see: clarion runs list, or: clarion doctor on the server") == (
        "see: clarion runs list --server http://127.0.0.1:1, or: clarion doctor on the server"
    )


@pytest.mark.usefixtures("by_name")
def test_a_directory_of_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_DATA", "/srv/x")
    assert (
        as_invoked("see: clarion doctor; run `clarion migrate`") == "see: clarion doctor --data /srv/x; run `clarion migrate --data /srv/x`"
    )


def test_what_a_command_was_given_is_forgotten_with_it(cli: Cli, data: Path) -> None:
    assert cli("workflows", "show", "nosuch", "--data", data).err.endswith(f" workflows list --data {data}\n")
    assert cli("workflows", "list").err.endswith(" init\n")


def told_commands() -> list[str]:
    """Each command that a message of the code tells people to run, up to the end of the text."""
    source = Path(clarion.cli.__file__).parent.parent
    return sorted({found for file in source.rglob("*.py") for found in _TOLD.findall(file.read_text(encoding="utf-8"))})


@pytest.mark.parametrize("told", told_commands())
def test_a_command_that_is_told_is_complete(told: str) -> None:
    command: Any = get_command(app)
    words = told.rstrip(" .,'").replace(",", "").split()[1:]
    while words and words[0] in getattr(command, "commands", ()):
        command = command.commands[words.pop(0)]
    assert not getattr(command, "commands", ()), "a group does nothing"
    needed = [parameter for parameter in command.params if parameter.required]
    assert all(set(parameter.opts) & set(words) for parameter in needed if parameter.param_type_name == "option")
    arguments = [parameter for parameter in needed if parameter.param_type_name == "argument"]
    assert all(not word.startswith("-") for word in words[: len(arguments)])
    assert len(words) >= len(arguments)
