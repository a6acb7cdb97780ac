"""`clarion keys` and `clarion sites` on a local data directory."""

from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.e2e.engines import ENGINES

from clarion.control.api_keys import checksum_ok


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_creates_a_key_that_is_all_there_is_on_standard_output(cli: Cli, data: Path) -> None:
    made = cli("keys", "create", "--data", data, "--name", "backend")
    assert made.code == 0
    assert checksum_ok(made.out.strip())
    assert "with events; it cannot be shown again" in made.err


def test_creates_a_key_as_json(cli: Cli, data: Path) -> None:
    made = cli("keys", "create", "--data", data, "--name", "backend", "--scopes", "read, events", "--json").json
    assert checksum_ok(made["key"])
    assert (made["name"], made["scopes"], made["revoked"]) == ("backend", ["events", "read"], None)
    assert "hash" not in made


def test_an_unknown_scope_is_refused(cli: Cli, data: Path) -> None:
    failed = cli("keys", "create", "--data", data, "--name", "backend", "--scopes", "events,root")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err == "error: unknown scope root — use some of events, read, write, admin\n"


def test_revokes_a_key_by_its_beginning(cli: Cli, data: Path) -> None:
    made = cli("keys", "create", "--data", data, "--name", "old", "--json").json
    revoked = cli("keys", "revoke", made["prefix"], "--data", data, "--json").json
    assert revoked["key_id"] == made["key_id"]
    assert revoked["revoked"] is not None
    again = cli("keys", "revoke", made["key_id"], "--data", data)
    assert again.code == 0
    assert "is revoked since 20" in again.out
    listed = {key["key_id"]: key["revoked"] for key in cli("keys", "list", "--data", data, "--json").json}
    assert listed[made["key_id"]] == revoked["revoked"]


def test_an_unknown_key_is_named_by_its_beginning_only(cli: Cli, data: Path) -> None:
    failed = cli("keys", "revoke", "clk_" + "0" * 38, "--data", data)
    assert failed.code == 1
    assert failed.err == f"error: there is no API key clk_00000000 — see: clarion keys list --data {data}\n"


def test_lists_tab_separated_where_it_is_piped(cli: Cli, data: Path) -> None:
    header, row = cli("keys", "list", "--data", data).out.splitlines()
    assert header.split("\t") == ["id", "name", "key", "scopes", "created", "last used", "revoked"]
    assert row.split("\t")[1] == "first key"
    assert row.split("\t")[5:] == ["-", "-"]


def test_shows_a_site_with_its_secret(cli: Cli, data: Path) -> None:
    shown = cli("sites", "show", "--data", data, "--json").json
    assert set(shown) >= {"site_id", "app_id", "vapid_public_key", "webhook_secret"}
    assert shown["webhook_secret"].startswith("whsec_")
    assert cli("sites", "show", shown["app_id"], "--data", data, "--json").json == shown
    rows = dict(line.split("\t") for line in cli("sites", "show", "--data", data).out.splitlines())
    assert (rows["app id"], rows["frequency cap"]) == (shown["app_id"], "none")
    assert rows["created"] in cli("sites", "list", "--data", data).out
    assert rows["created"].endswith("Z")


def test_a_site_without_a_subject_of_its_own_is_made_with_a_warning(cli: Cli, data: Path) -> None:
    made = cli("sites", "create", "--data", data, "--name", "Second", "--json")
    assert made.json["vapid_subject"] == "mailto:operator@example.com"
    assert f"for real pushes: clarion sites set {made.json['site_id']} --data {data} --vapid-subject mailto:" in made.err
    own = cli("sites", "create", "--data", data, "--name", "Third", "--vapid-subject", "https://shop.example")
    assert (own.code, own.err) == (0, "")


def test_lists_sites_without_secrets(cli: Cli, data: Path) -> None:
    listed = cli("sites", "list", "--data", data)
    assert "default" in listed.out
    assert "whsec_" not in listed.out
    assert "whsec_" not in cli("sites", "list", "--data", data, "--json").out


def test_with_several_sites_one_has_to_be_named(cli: Cli, data: Path) -> None:
    made = cli(
        "sites",
        "create",
        "--data",
        data,
        "--name",
        "Second",
        "--vapid-subject",
        "mailto:a@b.example",
        "--timezone",
        "Europe/Berlin",
        "--json",
    ).json
    assert made["timezone"] == "Europe/Berlin"
    failed = cli("keys", "create", "--data", data, "--name", "backend")
    assert failed.code == 1
    assert "2 sites fit — name one by its id, with --site ID (sites show ID, sites set ID): 1 (default), 2 (Second)" in failed.err
    for named in (made["site_id"], made["app_id"], "Second"):
        key = cli("keys", "create", "--data", data, "--name", "backend", "--site", named, "--json").json
        assert key["site_id"] == made["site_id"]


@pytest.mark.parametrize(
    "command",
    [
        *(("keys", "list"), ("keys", "create", "--name", "x"), ("keys", "revoke", "1"), ("sites", "list"), ("sites", "show"), ("migrate",)),
        *(("workflows", "list"), ("workflows", "show", "x"), ("events", "tail"), ("events", "send", "x", "--profile", "p"), ("serve",)),
        *(("secrets", "set", "X"), ("secrets", "list"), ("secrets", "remove", "X")),
        *(("profiles", "show", "x"), ("sites", "create", "--name", "x", "--vapid-subject", "mailto:a@b.example")),
    ],
)
def test_without_a_database_every_command_says_how_to_make_one(cli: Cli, tmp_path: Path, command: tuple[str, ...]) -> None:
    failed = cli(*command, "--data", tmp_path / "none")
    assert (failed.code, failed.out) == (1, "")
    assert failed.err.startswith(f"error: there is no database at {tmp_path}/none/clarion.db — run: clarion init --data {tmp_path}/none")
    assert not (tmp_path / "none").exists()
