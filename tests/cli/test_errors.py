"""Errors of the command line: one line, an exit code, a traceback only when asked for."""

import errno
import os
import re
import socket
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from clarion.cli.failures import describe
from clarion.serve_lock import LockUnavailable, serve_lock
from clarion.store.port import StoreError, StoreOutdated, StoreOverloaded, StoreTooNew, StoreUnavailable
from clarion.workflow.source import DocumentInvalid, Located


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("frobnicate",), "No such command 'frobnicate' — see: clarion --help"),
        (("keys", "frobnicate"), "see: clarion keys --help"),
        (("keys", "create"), "--name"),
        (("keys", "list", "--frobnicate"), "see: clarion keys list --help"),
        (("serve", "--port", "x"), "see: clarion serve --help"),
        (("serve", "--port", "65536"), "for '--port': must be at most 65535 — see: clarion serve --help"),
        (("serve", "--port", "-1"), "for '--port': must be at least 0 — see: clarion serve --help"),
        (("explain", "e", "--limit", "1.5"), "for '--limit': must be a whole number — see: clarion explain --help"),
        (("workflows", "publish", "x", "--runs", "mve"), "for '--runs': 'mve' is not one of 'keep', 'move', 'end' — see: "),
        (("serve", "--roles", "api,cook"), "unknown role cook — the roles are api, delivery, engine"),
        (("serve", "--roles", "api,engine"), "roles cannot be split on SQLite"),
        (("events", "tail", "--limit", "0"), "see: clarion events tail --help"),
    ],
)
def test_wrong_usage_is_one_line_and_2(cli: Cli, arguments: tuple[str, ...], message: str) -> None:
    failed = cli(*arguments)
    assert (failed.code, failed.out) == (2, "")
    assert failed.err.startswith("error: ")
    assert failed.err.count("\n") == 1
    assert message in failed.err


@pytest.mark.parametrize("command", [(), ("keys",), ("sites",), ("workflows",), ("events",), ("profiles",)])
def test_every_group_has_help(cli: Cli, command: tuple[str, ...]) -> None:
    told = cli(*command, "--help")
    assert told.code == 0
    assert "Usage: clarion" in told.out


def test_the_help_documents_exit_codes_and_every_command(cli: Cli) -> None:
    told = cli("--help").out
    assert "0 done, 1 failed or invalid, 2 wrong usage" in told
    for command in ("init", "serve", "keys", "sites", "workflows", "events", "profiles", "migrate", "doctor"):
        assert re.search(rf"^\W*{command} ", told, re.MULTILINE)


def test_the_version(cli: Cli) -> None:
    from clarion import __version__

    assert cli("--version") == (0, f"clarion {__version__}\n", "")


def test_a_bad_setting_stops_a_command(cli: Cli, data: Path) -> None:
    (data / "clarion.toml").write_text("prot = 1\n")
    assert cli("keys", "list", "--data", data) == (1, "", f"error: {data}/clarion.toml: unknown setting prot — did you mean port?\n")


def break_it(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def broken(*_: object) -> None:
        raise error

    monkeypatch.setattr("clarion.cli.local.local_store", broken)


def test_an_unforeseen_error_is_one_line_with_a_hint(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it(monkeypatch, RuntimeError("the cat\nsat on it\x1b[31m"))
    failed = cli("keys", "list")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith("error: unexpected: RuntimeError: the cat")
    assert failed.err.endswith(" — set CLARION_DEBUG=1 for a traceback\n")
    assert failed.err.count("\n") == 1
    assert "\x1b" not in failed.err


@pytest.mark.parametrize(("value", "shown"), [("1", True), ("0", False), ("", False)])
def test_a_traceback_is_shown_when_asked_for(cli: Cli, monkeypatch: pytest.MonkeyPatch, value: str, shown: bool) -> None:
    monkeypatch.setenv("CLARION_DEBUG", value)
    break_it(monkeypatch, RuntimeError("the cat"))
    assert ("Traceback" in cli("keys", "list").err) is shown


def test_an_interrupted_command_ends_with_130(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("clarion.cli.local.local_store", interrupt)
    assert cli("keys", "list").code == 130


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (StoreUnavailable("The disk is full."), ["The disk is full — try again, and run: clarion doctor"]),
        (StoreOverloaded("Too much waits."), ["Too much waits — try again, and run: clarion doctor"]),
        (StoreError("It is damaged."), ["It is damaged — run: clarion doctor"]),
        (StoreOutdated("Run `clarion migrate`."), ["Run `clarion migrate`."]),
        (StoreTooNew("Run the newer Clarion."), ["Run the newer Clarion."]),
        (DocumentInvalid([Located(("a",), "no", 1, 2), Located(("b", 0), "no")]), ["line 1, column 2: a: no", "b[0]: no"]),
        (KeyError("x"), []),
    ],
)
def test_what_can_be_done_about_an_error_is_told(error: Exception, lines: list[str]) -> None:
    assert list(describe(error)) == lines


def refuse_to_listen(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    async def serve(*_: object) -> None:
        raise error

    monkeypatch.setattr("clarion.node.serve", serve)


@pytest.mark.parametrize("error", [socket.gaierror(socket.EAI_NONAME, "Name or service not known"), UnicodeError("label empty")])
def test_a_host_that_is_none_is_told(cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    refuse_to_listen(monkeypatch, error)
    failed = cli("serve", "--data", data, "--host", "999.1.1.1")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith("error: cannot listen on 999.1.1.1: it is no address and no name of a host — give an address")
    assert failed.err.count("\n") == 1


@pytest.mark.parametrize("number", [errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES])
def test_an_address_that_cannot_be_had_is_told(cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    refuse_to_listen(monkeypatch, OSError(number, "whatever"))
    assert cli("serve", "--data", data, "--port", "81") == (
        1,
        "",
        f"error: cannot listen on 127.0.0.1:81: {os.strerror(number)} — choose another with --host or --port\n",
    )


@pytest.mark.parametrize("init", [(), ("--init",)])
def test_a_directory_that_cannot_be_written_is_not_served(
    cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch, init: tuple[str, ...]
) -> None:
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    failed = cli("serve", "--data", data, *init)
    assert failed == (1, "", f"error: {data} cannot be written by this user — run as its owner, or choose another with --data\n")


def test_a_lock_that_cannot_be_made_is_told(cli: Cli, data: Path) -> None:
    (data / "clarion.db.serve-lock").mkdir()
    with pytest.raises(LockUnavailable, match="cannot be written: Is a directory") as refused, serve_lock(data / "clarion.db"):
        pass
    assert describe(refused.value) == (str(refused.value),)
    assert f"{data}/clarion.db.serve-lock cannot be written: " in str(refused.value)
    assert " — let this user write there" in str(refused.value)


def test_variables_of_clients_are_no_settings(cli: Cli, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_URL", "http://127.0.0.1:8080")
    monkeypatch.setenv("CLARION_WEBHOOK_SECRET", "whsec_x")
    assert cli("workflows", "list", "--data", data).code == 0


def test_migrating_what_is_up_to_date_changes_nothing(cli: Cli, data: Path) -> None:
    assert cli("migrate", "--data", data) == (0, f"{data}/clarion.db is up to date.\n", "")
