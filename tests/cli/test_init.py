"""`clarion init`: what it makes, once."""

import json
import os
import stat
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from clarion.config import default_file
from clarion.control.api_keys import checksum_ok
from clarion.store.port import StoreUnavailable


def modes(directory: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}


def test_makes_everything_and_shows_the_key_once(cli: Cli, tmp_path: Path) -> None:
    made = cli("init", "--data", tmp_path / "new" / "data", "--name", "Shop", "--vapid-subject", "mailto:ops@shop.example", "--json")
    assert (made.code, made.err) == (0, "")
    told = made.json
    assert told["created"] is True
    assert told["workflow"] == "welcome"
    assert checksum_ok(told["key"])
    assert told["site"]["name"] == "Shop"
    assert told["site"]["vapid_subject"] == "mailto:ops@shop.example"
    assert len(told["site"]["vapid_public_key"]) == 87
    [key] = cli("keys", "list", "--data", told["data"], "--json").json
    assert key["scopes"] == ["events", "read", "write", "admin"]
    assert told["key"].startswith(key["prefix"])
    [workflow] = cli("workflows", "list", "--data", told["data"], "--json").json
    assert (workflow["workflow"], workflow["version"], workflow["status"]) == ("welcome", 1, "active")


def test_keeps_everything_private(cli: Cli, tmp_path: Path) -> None:
    directory = tmp_path / "data"
    old = os.umask(0)
    try:
        cli("init", "--data", directory)
    finally:
        os.umask(old)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert modes(directory)["master.key"] == 0o600
    assert modes(directory)["clarion.toml"] == 0o600
    assert (directory / "clarion.toml").read_text(encoding="utf-8") == default_file()


def test_the_key_is_in_no_file(cli: Cli, tmp_path: Path) -> None:
    told = cli("init", "--data", tmp_path / "data", "--json").json
    secret = told["key"].encode()
    assert all(secret not in file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())


def test_says_what_to_do_next(cli: Cli, tmp_path: Path) -> None:
    made = cli("init", "--data", tmp_path / "data")
    assert made.code == 0
    for said in (
        "clk_",
        "shown only this once",
        "clarion serve --data",
        "clarion events send add_to_cart",
        f"clarion sites set 1 --data {tmp_path}/data --vapid-subject mailto:YOU@YOUR-DOMAIN\n",
        "master.key",
    ):
        assert said in made.out


def test_doing_it_again_changes_nothing_and_succeeds(cli: Cli, data: Path) -> None:
    def state() -> tuple[object, ...]:
        return (
            (data / "master.key").read_bytes(),
            (data / "clarion.toml").read_bytes(),
            cli("sites", "list", "--data", data, "--json").out,
            cli("keys", "list", "--data", data, "--json").out,
            cli("workflows", "list", "--data", data, "--json").out,
        )

    before = state()
    again = cli("init", "--data", data)
    assert again.code == 0
    assert "initialised already; nothing was changed" in again.out
    assert "clk_" not in again.out
    told = cli("init", "--data", data, "--json").json
    assert (told["created"], told["key"], told["workflow"]) == (False, None, None)
    assert state() == before


def test_leaves_a_settings_file_alone(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    (tmp_path / "data" / "clarion.toml").write_text("port = 9000\n")
    assert cli("init", "--data", tmp_path / "data").code == 0
    assert (tmp_path / "data" / "clarion.toml").read_text() == "port = 9000\n"


def test_goes_on_where_a_crash_left_it(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: object) -> object:
        raise StoreUnavailable("the power went")

    with monkeypatch.context() as broken:
        broken.setattr("clarion.cli.setup.publish_workflow", crash)
        failed = cli("init", "--data", tmp_path / "data")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err == f"error: the power went — try again, and run: clarion doctor --data {tmp_path}/data\n"
    told = cli("init", "--data", tmp_path / "data", "--json").json
    assert told["created"] is True
    assert checksum_ok(told["key"])
    assert len(cli("sites", "list", "--data", tmp_path / "data", "--json").json) == 1


def test_a_lost_master_key_is_never_replaced(cli: Cli, data: Path) -> None:
    (data / "master.key").unlink()
    failed = cli("init", "--data", data)
    assert failed.code == 1
    assert "its master key is not — restore" in failed.err
    assert not (data / "master.key").exists()


def test_the_variable_may_hold_the_master_key(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_MASTER_KEY", "A" * 43 + "=")
    assert cli("init", "--data", tmp_path / "data").code == 0
    assert "master.key" not in modes(tmp_path / "data")
    assert cli("sites", "show", "--data", tmp_path / "data", "--json").json["webhook_secret"].startswith("whsec_")
    monkeypatch.setenv("CLARION_MASTER_KEY", "B" * 42 + "A=")
    failed = cli("sites", "show", "--data", tmp_path / "data")
    assert failed.code == 1
    assert "does not open — use the master key that this database was made with" in failed.err


def test_a_bad_argument_leaves_no_key_behind(cli: Cli, tmp_path: Path) -> None:
    failed = cli("init", "--data", tmp_path / "data", "--vapid-subject", "nobody")
    assert failed.code == 1
    assert failed.err.startswith("error: vapid_subject cannot be used — give a mailto:")
    assert failed.err.count("\n") == 1
    assert cli("init", "--data", tmp_path / "data", "--json").json["created"] is True


def test_a_directory_that_cannot_be_made_is_named(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    failed = cli("init", "--data", tmp_path / "file" / "data")
    assert failed.code == 1
    assert "cannot be made a data directory" in failed.err


def test_the_directory_comes_from_the_variable_or_is_data(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("init").code == 0
    assert (tmp_path / "data" / "master.key").exists()
    monkeypatch.setenv("CLARION_DATA", str(tmp_path / "other"))
    assert json.loads(cli("init", "--json").out)["data"] == str(tmp_path / "other")
    assert (tmp_path / "other" / "master.key").exists()
