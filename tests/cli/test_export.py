"""`clarion export events`: an operator's export, at any time."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli
from tests.retention.log import NOW, files, lines, open_log

from clarion.clock import DAY
from clarion.config import load_settings
from clarion.retention.exporting import OPERATOR


@pytest.fixture
def logged(data: Path) -> Path:
    """A data directory whose log has three events, a day apart."""

    async def work() -> None:
        async with open_log(load_settings(data, {})) as log:
            for day, name in enumerate("abc"):
                await log.write(NOW + day * DAY, [name])

    asyncio.run(work())
    return data


def test_everything_is_written_with_a_manifest(cli: Cli, logged: Path, tmp_path: Path) -> None:
    told = cli("export", "events", "--data", logged, "--out", tmp_path / "out", "--json")
    assert (told.code, told.err) == (0, "")
    assert (told.json["events"], told.json["format"], told.json["files"][0]["events"]) == (3, "ndjson", 3)
    assert [line["name"] for line in lines(tmp_path / "out")] == ["a", "b", "c"]
    [manifest] = (tmp_path / "out").glob("*.manifest.json")
    assert json.loads(manifest.read_bytes()) == told.json


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (("--from", "2026-05-02"), ["b", "c"]),
        (("--to", "2026-05-02T12:00:00Z"), ["a"]),
        (("--from", "2026-05-01T12:00:00Z", "--to", "2026-05-01T14:00:00.000001+02:00"), ["a"]),
        (("--from", "2026-05-01T12:00:00.000001Z", "--to", "2026-05-03"), ["b"]),
    ],
)
def test_a_stretch_of_time(given: tuple[str, ...], names: list[str], cli: Cli, logged: Path, tmp_path: Path) -> None:
    assert cli("export", "events", "--data", logged, "--out", tmp_path / "out", *given).code == 0
    assert [line["name"] for line in lines(tmp_path / "out")] == names


def test_what_is_said_to_people(cli: Cli, logged: Path, tmp_path: Path) -> None:
    told = cli("export", "events", "--data", logged, "--out", tmp_path / "out")
    assert told.out.splitlines()[0] == "file\tevents\tbytes\tsha256"
    assert told.out.splitlines()[1].startswith("events_19700101T000000Z_0-3_0-5.ndjson.gz\t3\t")
    assert told.err == f"3 events are in {tmp_path / 'out'}.\n"


def test_without_events_nothing_is_written(cli: Cli, logged: Path, tmp_path: Path) -> None:
    told = cli("export", "events", "--data", logged, "--out", tmp_path / "out", "--to", "2026-05-01")
    assert (told.code, told.out, told.err) == (0, "", "there are no events in that time\n")
    assert files(tmp_path / "out") == []


def test_parquet(cli: Cli, logged: Path, tmp_path: Path) -> None:
    told = cli("export", "events", "--data", logged, "--out", tmp_path / "out", "--format", "parquet", "--json")
    assert told.json["files"][0]["name"].endswith(".parquet")


def test_parquet_without_its_library_says_what_to_do(cli: Cli, logged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    told = cli("export", "events", "--data", logged, "--out", tmp_path / "out", "--format", "parquet")
    assert told.code == 1
    assert "pip install 'clarion[parquet]'" in told.err


def test_the_events_of_one_site(cli: Cli, logged: Path, tmp_path: Path) -> None:
    assert cli("sites", "create", "--name", "other", "--data", logged).code == 0
    assert cli("export", "events", "--data", logged, "--out", tmp_path / "out", "--site", "other", "--json").json["events"] == 0
    assert cli("export", "events", "--data", logged, "--out", tmp_path / "out", "--site", "default", "--json").json["events"] == 3


def test_what_an_earlier_one_left_half_written_goes(cli: Cli, logged: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / f"{OPERATOR}events_20260501T120000Z").write_bytes(gzip.compress(b"half"))
    assert cli("export", "events", "--data", logged, "--out", tmp_path / "out").code == 0
    assert not [name for name in files(tmp_path / "out") if name.startswith(".")]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--from", "yesterday"), "--from is no time — write it as 2026-05-01"),
        (("--to", "2026-13-01"), "--to is no time — write it as 2026-05-01"),
        (("--from", "2026-05-02", "--to", "2026-05-02"), "--from is not before --to"),
    ],
)
def test_times_that_cannot_be_are_refused(given: tuple[str, ...], said: str, cli: Cli, logged: Path, tmp_path: Path) -> None:
    told = cli("export", "events", "--data", logged, "--out", tmp_path / "out", *given)
    assert told.code == 2
    assert said in told.err
    assert files(tmp_path / "out") == []


def test_a_place_that_cannot_be_written_is_said(cli: Cli, logged: Path, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    told = cli("export", "events", "--data", logged, "--out", tmp_path / "out")
    assert told.code == 1
    assert "cannot be written" in told.err
