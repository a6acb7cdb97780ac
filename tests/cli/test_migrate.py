"""`clarion migrate`: to this version, from SQLite to PostgreSQL, over a Citus cluster."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.postgres import Databases, databases

from clarion.serve_lock import serve_lock
from clarion.store.moving.target import Target


@pytest.fixture(scope="module")
def server() -> Databases:
    return databases()


@pytest.fixture
def url(server: Databases) -> Iterator[str]:
    """An empty PostgreSQL database."""
    made = server.empty()
    yield made
    server.drop(made)


@pytest.fixture
def filled(cli: Cli, data: Path) -> Path:
    """A data directory with a few events."""
    for profile in ("ann", "bob", "eve"):
        assert cli("events", "send", "add_to_cart", "--data", data, "--profile", profile).code == 0
    return data


def shown(url: str) -> str:
    return "postgresql://" + url.rpartition("@")[2]


def test_a_database_that_is_up_to_date_is_left_alone(cli: Cli, data: Path) -> None:
    told = cli("migrate", "--data", data)
    assert (told.code, told.out) == (0, f"{data}/clarion.db is up to date.\n")
    assert cli("migrate", "--data", data, "--json").json == {"database": f"{data}/clarion.db", "distributed": False}


def test_a_database_that_is_not_there_is_not_made(cli: Cli, tmp_path: Path) -> None:
    told = cli("migrate", "--data", tmp_path)
    assert (told.code, told.err) == (1, f"error: there is no database at {tmp_path}/clarion.db — run: clarion init --data {tmp_path}\n")


def test_postgresql_gets_its_tables(cli: Cli, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_DATABASE_URL", url)
    for _ in range(2):
        told = cli("migrate", "--data", tmp_path)
        assert (told.code, told.out) == (0, f"{shown(url)} is up to date.\n")
    # They are nobody's yet: whoever comes first makes the site, under a master key of its own.
    assert cli("init", "--data", tmp_path, "--json").json["created"] is True


def test_a_database_moves(cli: Cli, filled: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_PARTITIONS", "8")
    before = {name: cli(name, "list", "--data", filled, "--json").json for name in ("sites", "keys", "workflows")}
    told = cli("migrate", "--data", filled, "--from", "sqlite:///clarion.db", "--to", url)
    assert told.code == 0, told.err
    assert f"{filled}/clarion.db is moved to {shown(url)}, 8 partitions; both have been compared." in told.out
    header, *lines = [line.split("\t") for line in told.out.split("\n\n")[0].splitlines()]
    assert header == ["table", "rows", "rows there", "checksum of both"]
    assert ["inbox", "5", "19"] in [line[:3] for line in lines]  # three events; and what eight partitions hear of site and workflow
    again = cli("migrate", "--data", filled, "--from", f"sqlite:///{filled}/clarion.db", "--to", url)
    assert (again.code, again.out) == (0, f"{filled}/clarion.db was moved to {shown(url)} before; nothing was changed.\n")
    monkeypatch.setenv("CLARION_DATABASE_URL", url)
    assert {name: cli(name, "list", "--data", filled, "--json").json for name in before} == before
    assert cli("init", "--data", filled, "--json").json["created"] is False


def test_what_moved_is_told_as_json(cli: Cli, filled: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_DATABASE_URL", url)
    told = cli("migrate", "--data", filled, "--from", "sqlite:///clarion.db", "--json")
    assert (told.code, told.err) == (0, "")
    assert {name: told.json[name] for name in ("from", "to", "partitions", "resumed")} == {
        "from": f"{filled}/clarion.db",
        "to": shown(url),
        "partitions": 64,
        "resumed": False,
    }
    [sites] = [table for table in told.json["tables"] if table["table"] == "sites"]
    assert (sites["source_rows"], sites["rows"], len(sites["checksum"])) == (1, 1, 16)


def test_a_move_that_broke_off_keeps_everybody_out_until_it_is_gone_on_with(
    cli: Cli, filled: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ConnectionError("the line was cut")

    with monkeypatch.context() as patched:
        patched.setattr(Target, "finish", broken)
        told = cli("migrate", "--data", filled, "--from", "sqlite:///clarion.db", "--to", url)
    assert (told.code, told.out) == (1, "")
    assert "the line was cut" in told.err
    with monkeypatch.context() as patched:
        patched.setenv("CLARION_DATABASE_URL", url)
        for command in (["serve", "--port", "0"], ["keys", "list"], ["init"]):
            refused = cli(*command, "--data", filled)
            assert refused.code == 1
            assert "A move from SQLite into this database has not ended; go on with it: " in refused.err
    told = cli("migrate", "--data", filled, "--from", "sqlite:///clarion.db", "--to", url, "--json")
    assert told.code == 0, told.err
    assert told.json["resumed"] is True


def test_a_database_that_is_being_served_does_not_move(cli: Cli, data: Path, url: str) -> None:
    with serve_lock(data / "clarion.db"):
        told = cli("migrate", "--data", data, "--from", "sqlite:///clarion.db", "--to", url)
    assert (told.code, told.err) == (1, "error: another clarion serve is running on this data directory — stop it first\n")


def test_a_database_with_data_of_its_own_is_not_moved_to(
    cli: Cli, filled: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLARION_DATABASE_URL", url)
    assert cli("init", "--data", tmp_path / "other").code == 0
    told = cli("migrate", "--data", filled, "--from", "sqlite:///clarion.db")
    assert told.code == 1
    assert "error: The database to move to has sites already; make an empty one for it — run: clarion doctor" in told.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--to", "postgresql://h/d"], "--to needs --from — name the SQLite database to move, such as --from sqlite:///clarion.db"),
        (
            ["--from", "sqlite:///clarion.db"],
            "--from needs --to — name the PostgreSQL database to move to, or set CLARION_DATABASE_URL to it",
        ),
        (["--from", "postgresql://h/d", "--to", "postgresql://h/e"], "--from has to name an SQLite database"),
        (["--from", "sqlite:///clarion.db", "--to", "sqlite:///other.db"], "--to has to name a PostgreSQL database"),
        (["--from", "sqlite:///missing.db", "--to", "postgresql://h/d"], "missing.db — correct --from; a relative path starts at the data"),
        (["--from", "clarion.db", "--to", "postgresql://h/d"], "--from is no database that this version knows"),
        (["--from", "sqlite:///clarion.db", "--to", "postgresql://u:hunter2@h"], "--to names a server but no database"),
        (["--from", "sqlite:///clarion.db", "--to", "postgresql://h/d", "--distributed"], "--distributed stands alone"),
        (["--distributed"], "--distributed is for PostgreSQL with Citus"),
    ],
)
def test_options_that_do_not_go_together(cli: Cli, data: Path, options: list[str], said: str) -> None:
    told = cli("migrate", "--data", data, *options)
    assert (told.code, told.out) == (2, "")
    assert said in told.err
    assert "hunter2" not in told.err
    assert told.err.count("\n") == 1


def test_a_server_without_citus_is_told_of(cli: Cli, data: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_DATABASE_URL", url)
    told = cli("migrate", "--data", data, "--distributed")
    assert (told.code, told.out) == (1, "")
    assert "error: the database has no extension citus — install Citus on its server" in told.err
