"""Files of people are imported row by row and exported again: nothing is lost, whatever is in a file and whatever breaks meanwhile."""

import asyncio
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.delivery.browser import Browser
from tests.e2e.conftest import Start
from tests.e2e.engines import database
from tests.e2e.server import CLARION, Api, Server, eventually, serving, unique
from tests.server.client import request

CSV, NDJSON, JSON = "text/csv", "application/x-ndjson", "application/json"
MEBIBYTE = 1_048_576
MOST_ROW = 65_536
NESTED = b'{"profile_id":"x","attributes":' + b"[" * 200 + b"]" * 200 + b"}"


async def begin(api: Api, what: str = "profiles") -> str:
    answer = await api.ask("POST", "/imports", {"what": what})
    assert answer.status == 200, answer
    return str(answer.json["data"]["job_id"])


async def feed(api: Api, job: str, offset: int, body: bytes, kind: str) -> Any:
    """Give an import a chunk, which has to be taken; returns its progress."""
    answer = await api.ask("POST", f"/imports/{job}/rows?offset={offset}", body, content_type=kind)
    assert answer.status == 200, answer
    return answer.json["data"]["detail"]


async def exported(api: Api, what: str, form: str, more: str = "") -> list[bytes]:
    """All pages of an export; a header of CSV comes with each."""
    pages, cursor = [], ""
    while True:
        answer = await api.ask("GET", f"/exports/{what}?format={form}&limit=3{more}" + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer
        pages.append(answer.body)
        cursor = answer.headers.get("clarion-cursor", "")
        if not cursor:
            return pages


async def people(api: Api, what: str = "profiles", more: str = "") -> list[Any]:
    """Everybody, as an export has them."""
    lines = b"".join(await exported(api, what, "ndjson", more)).splitlines()
    return [json.loads(line) for line in lines]


def told(progress: Any) -> dict[int, tuple[str, str]]:
    """The report: field and reason by row."""
    return {one["row"]: (one["field"], one["reason"]) for one in progress["report"]}


# -- what is in a file ---------------------------------------------------------------------------------------------------------


async def test_rows_of_csv_are_taken_or_refused_one_by_one(api: Api) -> None:
    ann, bob, cyd, dan = (unique(name) for name in ("ann", "bob", "cyd", "dan"))
    rows = [
        f'{ann},"Quoted ""Ann"", on',
        'two lines",7,vip;staff',
        f"{bob},'=1+1,-1.5,",
        "",
        f"{unique('bad')},\udcff\udcfe,1,",
        f"{unique('bad')},nul\0,1,",
        f"{unique('bad')},too,many,cells,here",
        f'{unique("bad")},"quoted"wrongly,1,',
        f"{unique('bad')},x,seven,",
        ",nobody,1,",
        f'{cyd},5" disk,1e3,[]',
        f"{unique('bad')},x,1,{'s' * 201}",
        f"{unique('bad')},lone\rreturn,1,",
        f'{dan},ünïcödé 🎉,0,"[""a;b""]"',
        f'{unique("bad")},"never ends,1,',
    ]
    text = "\ufeffprofile_id,attributes.text,attributes.count:number,segments\r\n" + "\r\n".join(rows)
    job = await begin(api)
    progress = await feed(api, job, 0, text.encode(errors="surrogateescape"), CSV)
    assert (progress["rows"], progress["accepted"], progress["refused"]) == (13, 4, 9)
    report = told(progress)
    assert {row: field for row, (field, _) in report.items()} == {
        3: "", 4: "attributes.text", 5: "", 6: "", 7: "attributes.count:number", 8: "profile_id", 10: "segments.0", 11: "", 13: "",
    }  # fmt: skip
    assert "UTF-8" in report[3][1]
    assert "5 cells" in report[5][1]
    assert all("no CSV" in report[row][1] for row in (6, 11, 13))
    seen = {}
    for name in (ann, bob, cyd, dan):
        profile = await api.profile_when(name, lambda seen: seen["attributes"])
        seen[name] = (profile["attributes"], profile["segments"])
    assert seen == {
        ann: ({"text": 'Quoted "Ann", on\r\ntwo lines', "count": 7}, ["staff", "vip"]),
        bob: ({"text": "=1+1", "count": -1.5}, []),
        cyd: ({"text": '5" disk', "count": 1000.0}, []),
        dan: ({"text": "ünïcödé 🎉", "count": 0}, ["a;b"]),
    }
    assert (await api.get(f"/jobs/{job}"))["detail"] == progress
    ended = await api.ask("POST", f"/imports/{job}/finish", {})
    assert (ended.json["data"]["status"], ended.json["data"]["detail"]) == ("done", progress)
    late = await api.ask("POST", f"/imports/{job}/rows?offset=13", b"profile_id\nx", content_type=CSV)
    assert late.status == 409


async def test_rows_of_ndjson_are_taken_or_refused_one_by_one(api: Api) -> None:
    ann = unique("ann")
    good = json.dumps({"profile_id": ann, "attributes": {"n": 1, "t": "x"}}).encode()
    rows = [good, b"", b"[]", b"{", b'{"profile_id":"\xff"}', b'{"profile_id":"\\ud800"}', b'{"profile_id":"a\\u0000"}', NESTED]
    rows += [b'{"profile_id":"x","attributes":{"n":NaN}}', b'{"profile_id":"x","attributes":{"o":{}}}', b'{"profile_id":7}']
    rows += [b'{"profile_id":"x","attributes":{"ann@example.com":1}}', b'{"profile_id":"x","attributes":{"n":1' + b"0" * 5_000 + b"}}"]
    progress = await feed(api, await begin(api), 0, b"\xef\xbb\xbf" + b"\r\n".join(rows), NDJSON)
    assert (progress["rows"], progress["accepted"], progress["refused"]) == (12, 1, 11)
    assert set(told(progress)) == {*range(2, 13)}
    assert all(reason for _, reason in told(progress).values())
    assert (told(progress)[11][0], "ann@" in json.dumps(progress)) == ("attributes", False), "what is no name is not repeated"
    assert (await api.profile_when(ann, lambda seen: seen["attributes"]))["attributes"] == {"n": 1, "t": "x"}


@pytest.mark.parametrize("kind", [CSV, NDJSON])
async def test_a_row_may_be_so_long_and_no_longer(api: Api, kind: str) -> None:
    def row(size: int) -> bytes:
        start = b"x," if kind == CSV else b'{"profile_id":"x","more":"'
        end = b"" if kind == CSV else b'"}'
        return start + b"y" * (size - len(start) - len(end)) + end

    header = b"profile_id,attributes.t\n" if kind == CSV else b""
    progress = await feed(api, await begin(api), 0, header + row(MOST_ROW) + b"\n" + row(MOST_ROW + 1) + b"\n", kind)
    report = told(progress)
    assert f"{MOST_ROW} bytes" in report[2][1]
    assert f"{MOST_ROW} bytes" not in report.get(1, ("", ""))[1]


async def test_a_chunk_may_be_so_large_and_no_larger(server: Server, api: Api) -> None:
    job = await begin(api)
    full = b"".join(b'{"profile_id":"%d"}\n' % number for number in range(1_000))
    padded = full + b"\n" * (MEBIBYTE - len(full))
    for body, status in ((padded + b"\n", 413), (full + b"{}\n", 400)):
        async with server.api() as other:  # the connection ends with what is too large
            answer = await other.ask("POST", f"/imports/{job}/rows?offset=0", body, content_type=NDJSON)
            assert answer.status == status, answer
    assert (await api.get(f"/jobs/{job}"))["detail"]["rows"] == 0
    assert (await feed(api, job, 0, padded, NDJSON))["accepted"] == 1_000


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"profile_id,profile_id",
        b"profile_id,nonsense",
        b'"profile_id',
        b"profile_id\xff",
        b"profile_id,attributes.a:date",
        b"device_token",
    ],
)
async def test_a_file_whose_columns_say_nothing_is_refused_whole(api: Api, header: bytes) -> None:
    job = await begin(api)
    answer = await api.ask("POST", f"/imports/{job}/rows?offset=0", header + b"\nx,y\n", content_type=CSV)
    assert answer.status == 400, answer
    assert (await api.get(f"/jobs/{job}"))["detail"]["rows"] == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"profil,segments\n",
        b"profile_id,segments\rmac1,a\rmac2,b\r",
        b'"profile_id,segments\nq1,a\nq2,b\n',
        "profile_id\nann\n".encode("utf-16"),
    ],
)
async def test_the_command_fails_on_a_file_whose_first_line_names_no_columns(server: Server, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    asked = [str(CLARION), "profiles", "import", str(file), "--server", server.url, "--key", server.key]
    done = await asyncio.to_thread(subprocess.run, asked, env=server.environment, capture_output=True, timeout=60)
    assert done.returncode != 0
    assert re.search(rb"first line|[Cc]olumn", done.stderr), done.stderr


async def test_a_header_alone_is_an_import_of_nobody(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(b"profile_id,segments\n")
    assert (await server.run("profiles", "import", file))["detail"]["rows"] == 0


async def test_the_command_takes_a_hostile_file_to_its_end(server: Server, api: Api, tmp_path: Path) -> None:
    first, last = unique("first"), unique("last")
    for form, rows in (
        ("csv", ["profile_id,attributes.t", f'{first},5" disk', "x," + "y" * 3_000_000, "x,\udcff", 'x,"a"b', f'{last},"two\nlines"']),
        ("ndjson", [json.dumps({"profile_id": first}), "x" * 3_000_000, "{", json.dumps({"profile_id": last})]),
    ):
        file = tmp_path / f"people.{form}"
        file.write_bytes("\n".join(rows).encode(errors="surrogateescape"))
        for where in (("--data", server.data), ("--server", server.url, "--key", server.key)):
            asked = [CLARION, "profiles", "import", file, *where, "--json"]
            done = await asyncio.to_thread(subprocess.run, asked, env=server.environment, capture_output=True, timeout=60)
            detail = json.loads(done.stdout)["detail"]
            wanted = {2: f"{MOST_ROW} bytes", 3: "UTF-8", 4: "no CSV"} if form == "csv" else {2: f"{MOST_ROW} bytes", 3: "JSON"}
            assert (detail["accepted"], {*told(detail)}, done.returncode) == (2, {*wanted}, 1), detail
            assert all(word in told(detail)[row][1] for row, word in wanted.items()), detail
    await api.profile_when(last, lambda seen: seen["attributes"] == {"t": "two\nlines"})


# -- what breaks meanwhile -----------------------------------------------------------------------------------------------------


async def test_chunks_that_come_at_once_lose_no_line_of_the_report(server: Server) -> None:
    def chunk(offset: int) -> bytes:
        rows = [{"profile_id": f"p{number}"} if number % 2 else {"nobody": number} for number in range(offset, offset + 100)]
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)

    async with server.api() as api:
        job = await begin(api)

    async def send(offset: int) -> int:
        async with server.api() as api:
            answer = await api.ask("POST", f"/imports/{job}/rows?offset={offset}", chunk(offset), content_type=NDJSON)
            assert answer.status in {200, 409}, answer
            return answer.status

    for _ in range(6):  # whatever of it is too early comes again
        await asyncio.gather(*(send(offset) for offset in (0, 50, 100, 0, 50, 200, 100, 150)))
    async with server.api() as api:
        progress = (await api.get(f"/jobs/{job}"))["detail"]
    assert (progress["rows"], progress["accepted"], progress["refused"]) == (300, 150, 150)
    assert [one["row"] for one in progress["report"]] == [number + 1 for number in range(300) if number % 2 == 0]


async def test_a_chunk_whose_connection_breaks_is_sent_again(server: Server, api: Api) -> None:
    job, name = await begin(api), unique("p")
    rows = b"".join(json.dumps({"profile_id": f"{name}-{number}"}).encode() + b"\n" for number in range(10)) + b"{\n"
    whole = request("POST", f"/api/v1/imports/{job}/rows?offset=0", rows, f"Api-Key: {server.key}", f"Content-Type: {NDJSON}")
    for sent in (whole[: len(whole) // 2], whole):  # broken off in the middle; and before the answer came
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(sent)
        await writer.drain()
        writer.transport.abort()
    progress = await feed(api, job, 0, rows, NDJSON)
    assert (progress["rows"], progress["accepted"], [*told(progress)]) == (11, 10, [11])


async def test_an_import_goes_on_behind_a_crash(start: Start) -> None:
    server, chunks, size = start(), 6, 50
    names = [f"p{number:03}" for number in range(chunks * size)]

    def rows(offset: int) -> bytes:
        lines = [json.dumps({"profile_id": name, "attributes": {"n": 1}}) for name in names[offset : offset + size]]
        return "\n".join([*lines[:-1], "{"]).encode()

    async with server.api() as api:
        job = await begin(api)
    offset = crashes = 0
    while offset < len(names):
        async with server.connect() as client, server.api() as api:
            path = f"/api/v1/imports/{job}/rows?offset={offset}"
            asked = request("POST", path, rows(offset), f"Api-Key: {server.key}", f"Content-Type: {NDJSON}")
            if crashes < chunks // 2:
                asking = asyncio.ensure_future(client.ask(asked))
                await eventually(lambda: api.get(f"/jobs/{job}"), lambda _: True)  # by then the chunk is under way, done or not
                server.kill()
                await asyncio.gather(asking, return_exceptions=True)
                crashes += 1
                server.start()
        async with server.api() as api:
            offset = (await api.get(f"/jobs/{job}"))["detail"]["rows"]
            if offset < len(names):
                offset = (await feed(api, job, offset, rows(offset), NDJSON))["rows"]
    async with server.api() as api:
        progress = (await api.get(f"/jobs/{job}"))["detail"]
        refused = [size * (chunk + 1) for chunk in range(chunks)]
        assert (progress["accepted"], [*told(progress)]) == (len(names) - chunks, refused)
        wanted = [name for number, name in enumerate(names, 1) if number not in refused]
        found = await eventually(lambda: people(api), lambda found: len(found) == len(wanted), 30)
        assert sorted(one["profile_id"] for one in found) == wanted
        assert all((one["segments"], one["attributes"]) == ([], {"n": 1}) for one in found)


# -- there and back ------------------------------------------------------------------------------------------------------------

PEOPLE = [
    {"profile_id": "=cmd|' /C calc'!A0", "segments": ["+1", "a;b", "-x"], "attributes": {"t": "@SUM(A1)", "n": -1, "q": 'say "hi"'}},
    {"profile_id": "'=quoted", "segments": [], "attributes": {"t": "'", "u": "'=1", "v": "\t=1"}},
    {"profile_id": "lines", "segments": ["zwei\nzeilen"], "attributes": {"t": "a\r\nb\nc\rd", "e": "", "s": " blanks "}},
    {"profile_id": "numbers", "segments": [], "attributes": {"i": 2**53 + 1, "f": 0.1, "b": True, "c": False, "x": "1", "y": "true"}},
    {"profile_id": "ünïcödé/🎉,;", "segments": ["[x]"], "attributes": {"k-1": "x", "1a": "[]"}},
    {"profile_id": "plain", "segments": [], "attributes": {}},
]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_what_is_exported_makes_the_same_people_on_a_fresh_server(start: Start, engine: str, tmp_path: Path, form: str) -> None:
    kind = {"csv": CSV, "ndjson": NDJSON}[form]
    server = start()
    devices: list[dict[str, Any]] = [
        {
            "subscription": {
                "endpoint": f"http://127.0.0.1:1/{number}",
                "keys": {"p256dh": (browser := Browser.new()).p256dh, "auth": browser.auth},
            },
            "profile_id": "lines" if number else None,
            "country": "DE",
            "active": number != 2,
        }
        for number in range(3)
    ]
    devices.append({"provider": "fcm", "token": "=token:1", "profile_id": "plain", "timezone": "Europe/Berlin"})
    async with server.api() as api:
        assert (await feed(api, await begin(api), 0, json.dumps(PEOPLE).encode(), JSON))["refused"] == 0
        progress = await feed(api, await begin(api, "subscribers"), 0, json.dumps(devices).encode(), JSON)
        assert progress["refused"] == 0, progress
        await eventually(lambda: people(api), lambda found: len(found) == len(PEOPLE))
        await eventually(
            lambda: people(api, "subscribers"), lambda found: [one["active"] for one in found].count(False) == 1 and len(found) == 4
        )
        before = await people(api), await people(api, "subscribers", "&addresses=true")
        by_id = {one["profile_id"]: one for one in before[0]}
        assert by_id == {one["profile_id"]: {**one, "segments": sorted(one["segments"])} for one in PEOPLE}
        pages = {what: await exported(api, what, form, more) for what, more in (("profiles", ""), ("subscribers", "&addresses=true"))}
        if form == "csv":
            cells = b"".join(pages["profiles"]).decode()
            assert not [line for line in cells.splitlines() if line[:1] in "=+-@"], "a spreadsheet would compute it"
    with database(engine) as where, serving(tmp_path / "other", **where) as other:
        async with other.api() as api:
            for what, chunks in pages.items():
                job, offset = await begin(api, what), 0
                for chunk in chunks:
                    progress = await feed(api, job, offset, chunk, kind)
                    offset = progress["rows"]
                assert progress["refused"] == 0, progress
            wanted = len(before[0]), len(before[1])
            await eventually(lambda: people(api), lambda found: len(found) == wanted[0])
            await eventually(
                lambda: people(api, "subscribers"),
                lambda found: [one["active"] for one in found].count(False) == 1 and len(found) == wanted[1],
            )
            assert (await people(api), await people(api, "subscribers", "&addresses=true")) == before
            again = {what: await exported(api, what, form, more) for what, more in (("profiles", ""), ("subscribers", "&addresses=true"))}
            assert again == pages
