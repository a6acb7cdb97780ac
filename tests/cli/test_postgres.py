"""The commands with PostgreSQL: the setting is all that is different; several machines; and what is said where it cannot be worked with."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped]  # it carries no types
import pytest
from tests.cli.conftest import Cli
from tests.postgres import Databases, databases

from clarion.store.port import StoreError, StoreUnavailable
from clarion.store.postgres import connection as connecting
from clarion.store.postgres.arrival import advised

KEY = "A" * 43 + "="


@pytest.fixture(scope="module")
def server() -> Databases:
    return databases()


@pytest.fixture
def url(server: Databases, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """An empty database, which the commands work with."""
    made = server.empty()
    monkeypatch.setenv("CLARION_DATABASE_URL", made)
    monkeypatch.setenv("CLARION_PARTITIONS", "4")
    yield made
    server.drop(made)


def shown(url: str) -> str:
    return "postgresql://" + url.rpartition("@")[2]


def execute(url: str, *statements: str) -> None:
    async def work() -> None:
        connection = await asyncpg.connect(url)
        try:
            for sql in statements:
                await connection.execute(sql)
        finally:
            await connection.close()

    asyncio.run(work())


def findings(cli: Cli, data: Path) -> dict[str, Any]:
    return {one["check"]: one for one in cli("doctor", "--data", data, "--json").json}


def test_the_commands_do_what_they_do(cli: Cli, tmp_path: Path, url: str) -> None:
    data = tmp_path / "data"
    told = cli("init", "--data", data)
    assert told.code == 0, told.err
    assert "Every other machine that serves this database needs the same file" in told.out
    assert sorted(file.name for file in data.iterdir()) == ["clarion.toml", "master.key"]
    assert cli("keys", "create", "--data", data, "--name", "shop").code == 0
    assert [key["name"] for key in cli("keys", "list", "--data", data, "--json").json] == ["first key", "shop"]
    assert cli("sites", "show", "--data", data, "--json").json["webhook_secret"].startswith("whsec_")
    assert cli("events", "send", "add_to_cart", "--data", data, "--profile", "ann").code == 0
    assert cli("workflows", "pause", "welcome", "--data", data).code == 0
    assert cli("secrets", "set", "CRM_KEY", "--data", data, "--value", "x").code in (0, 2)
    assert cli("migrate", "--data", data) == (0, f"{shown(url)} is up to date.\n", "")
    again = cli("init", "--data", data)
    assert (again.code, again.out.splitlines()[0]) == (0, f"{shown(url)} is initialised already; nothing was changed.")
    assert url not in told.out + again.out


def test_a_second_machine_needs_the_key_of_the_first(cli: Cli, tmp_path: Path, url: str) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert cli("init", "--data", first).code == 0
    refused = cli("init", "--data", second)
    assert refused.code == 1
    assert (
        f"{shown(url)} is there but its master key is not — copy master.key of a node that works to {second}, mode 0600, or set"
        in refused.err
    )
    assert not (second / "master.key").exists()
    shutil.copy(first / "master.key", second)
    (second / "master.key").chmod(0o600)
    told = cli("init", "--data", second, "--json").json
    assert (told["created"], told["key"]) == (False, None)


@pytest.mark.parametrize("command", [["init"], ["serve", "--port", "0"], ["serve", "--port", "0", "--init"]])
def test_a_machine_with_another_key_is_told_and_does_not_serve(
    cli: Cli, tmp_path: Path, url: str, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("init", "--data", tmp_path / "first").code == 0
    (tmp_path / "second").mkdir(mode=0o700)
    monkeypatch.setenv("CLARION_MASTER_KEY", KEY)
    refused = cli(*command, "--data", tmp_path / "second")
    assert (refused.code, refused.out) == (1, "")
    assert f"the master key of {tmp_path}/second is" in refused.err
    assert "copy master.key of a node that works" in refused.err
    assert findings(cli, tmp_path / "second")["sites"]["status"] == "failed"


def test_two_machines_at_once_make_one_site(tmp_path: Path, url: str) -> None:
    """Both have the key; one makes what the other finds."""
    environment = {**os.environ, "CLARION_MASTER_KEY": KEY}
    command = [sys.executable, "-m", "clarion.cli", "init", "--json", "--data"]
    machines = [
        subprocess.Popen([*command, tmp_path / name], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for name in ("a", "b", "c")
    ]
    told = [machine.communicate(timeout=60) for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0, 0], told
    assert sorted('"created": true' in out for out, _ in told) == [False, False, True]
    listed = subprocess.run(
        [sys.executable, "-m", "clarion.cli", "sites", "list", "--data", tmp_path / "a"], env=environment, capture_output=True, text=True
    )
    assert len(listed.stdout.splitlines()) == 2


def test_two_machines_at_once_without_a_key_end_with_one(tmp_path: Path, url: str) -> None:
    """Each would make its own: the one that comes second is told to take the other's, and has left none."""
    command = [sys.executable, "-m", "clarion.cli", "init", "--data"]
    names = ("a", "b")
    machines = [subprocess.Popen([*command, tmp_path / name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for name in names]
    told = [machine.communicate(timeout=60) for machine in machines]
    assert sorted(machine.returncode for machine in machines) == [0, 1]
    assert any("copy master.key of a node that works" in err for _, err in told)
    assert sorted((tmp_path / name / "master.key").exists() for name in names) == [False, True]


def test_doctor_looks_at_what_there_is(cli: Cli, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "data"
    assert findings(cli, tmp_path)["database"]["detail"] == f"{shown(url)} has no tables yet"
    cli("init", "--data", data, "--vapid-subject", "mailto:ops@shop.example")
    found = findings(cli, data)
    assert {
        name: found[name]["status"] for name in ("disk", "database", "integrity", "inbox", "set aside", "clock", "partitions", "sites")
    } == dict.fromkeys(("disk", "database", "integrity", "inbox", "set aside", "clock", "partitions", "sites"), "ok")
    assert found["partitions"]["detail"] == "the database has 4"
    assert "its server's to watch" in found["disk"]["detail"]
    monkeypatch.delenv("CLARION_PARTITIONS")
    assert findings(cli, data)["partitions"]["status"] == "ok"
    monkeypatch.setenv("CLARION_PARTITIONS", "5")
    assert findings(cli, data)["partitions"]["detail"] == "the database has 4 and keeps them; the setting says 5"


@pytest.mark.parametrize(
    "command", [["serve", "--port", "0"], ["keys", "list"], ["migrate"], ["init"], ["events", "send", "e", "--profile", "p"]]
)
def test_a_server_that_is_not_there_is_named_with_what_to_do(
    cli: Cli, data: Path, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLARION_DATABASE_URL", "postgresql://u:hunter2@127.0.0.1:1/d")
    told = cli(*command, "--data", data)
    assert (told.code, told.out) == (1, "")
    assert told.err.startswith("error: the database server cannot be reached: ")
    assert told.err.endswith(" — start it, or correct database_url\n")
    assert "hunter2" not in told.err


def test_a_database_that_is_not_there_is_named(cli: Cli, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLARION_DATABASE_URL", url + "_missing")
    told = cli("init", "--data", tmp_path)
    assert told.code == 1
    assert (
        '_missing" does not exist — make it with: createdb --encoding UTF8 --template template0 NAME; or correct database_url' in told.err
    )
    assert findings(cli, tmp_path)["database"]["advice"].startswith("make it with: createdb")


def test_serving_a_database_without_tables_says_how_to_make_them(cli: Cli, tmp_path: Path, url: str) -> None:
    told = cli("serve", "--data", tmp_path, "--port", "0")
    assert (told.code, told.err) == (
        1,
        f"error: the database {shown(url)} has no tables yet — run: clarion init --data {tmp_path}, or add --init\n",
    )


def test_a_server_that_is_too_old_is_refused(cli: Cli, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "OLDEST_SERVER", 99)
    told = cli("init", "--data", tmp_path)
    assert told.code == 1
    assert "is too old; 99 or newer is needed" in told.err


def test_another_encoding_is_refused(cli: Cli, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = url.rpartition("/")[2] + "_ascii"
    execute(url, f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    try:
        monkeypatch.setenv("CLARION_DATABASE_URL", url + "_ascii")
        told = cli("init", "--data", tmp_path)
        assert told.code == 1
        assert "encoding" in told.err
    finally:
        execute(url, f"DROP DATABASE {name}")


def test_a_user_without_rights_is_refused(cli: Cli, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    role = url.rpartition("/")[2] + "_user"
    execute(url, f"CREATE ROLE {role} LOGIN")
    try:
        monkeypatch.setenv("CLARION_DATABASE_URL", f"postgresql://{role}@{url.rpartition('@')[2]}")
        told = cli("init", "--data", tmp_path)
        assert told.code == 1
        assert "permission denied for schema public — let the user of database_url own the database" in told.err
    finally:
        execute(url, f"DROP ROLE {role}")


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            asyncpg.InvalidPasswordError("password authentication failed"),
            StoreError,
            "— correct user and password in database_url, or in the",
        ),
        (asyncpg.InvalidAuthorizationSpecificationError("no pg_hba.conf entry"), StoreError, "let this user in by pg_hba.conf"),
        (
            asyncpg.TooManyConnectionsError("sorry"),
            StoreUnavailable,
            "— raise max_connections of the server, or lower database_connections",
        ),
        (asyncpg.CannotConnectNowError("starting up"), StoreUnavailable, "— wait until the server has started"),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), StoreError, "— name the server that can be written to"),
        (TimeoutError(), StoreUnavailable, "the database server does not answer — see whether it runs"),
        (ValueError("hunter2"), StoreError, "database_url has an option that cannot be used — leave out"),
    ],
)
def test_each_refusal_says_what_to_do(error: Exception, kind: type[StoreError], said: str) -> None:
    told = advised(error)
    assert type(told) is kind
    assert said in str(told)
    assert "hunter2" not in str(told)
