"""How the SDK's files are served: content, caching, compression, for any origin."""

import base64
import gzip
import hashlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.routing import Route

from clarion.api.app import ROUTES, ByMethod
from clarion.api.routes import sdk
from clarion.api.sdk_files import assemble, read_sdk

SCRIPTS = {"clarion.js": b"clarion();" * 100, "service-worker.js": b"worker();" * 50}
FILES = assemble(SCRIPTS)
PINNED = f"/sdk/{FILES.version}"
CURRENT = "public, max-age=300"
FOR_EVER = "public, max-age=31536000, immutable"


class Answer(NamedTuple):
    """What an ASGI app has sent."""

    status: int
    headers: dict[str, str]
    body: bytes


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the files are looked for."""
    for name, content in SCRIPTS.items():
        (tmp_path / name).write_bytes(content)
    monkeypatch.setattr(sdk, "DIRECTORY", tmp_path)
    return tmp_path


async def ask(path: str, method: str = "GET", app: Starlette | None = None, **headers: str) -> Answer:
    """Ask the routes as the server does."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": fields,
    }
    await (app or make())(scope, receive, send)
    start, *parts = sent
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], found, b"".join(part.get("body", b"") for part in parts))


def make() -> Starlette:
    """The app's own routes of the SDK."""
    return Starlette(
        routes=[Route(path, ByMethod(methods, "sdk", Counter())) for path, methods in ROUTES.items() if path.startswith("/sdk/")]
    )


async def test_the_current_script_is_cached_for_minutes() -> None:
    answer = await ask("/sdk/clarion.js")
    assert (answer.status, answer.body) == (200, SCRIPTS["clarion.js"])
    assert answer.headers["cache-control"] == CURRENT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_a_pinned_script_is_cached_for_a_year() -> None:
    answer = await ask(f"{PINNED}/clarion.js")
    assert (answer.status, answer.body) == (200, SCRIPTS["clarion.js"])
    assert answer.headers["cache-control"] == FOR_EVER


@pytest.mark.parametrize("path", ["/sdk/clarion.js", "/sdk/service-worker.js", "/sdk/manifest.json", f"{PINNED}/clarion.js"])
async def test_any_origin_may_load_it_and_nobody_may_guess_its_type(path: str) -> None:
    headers = (await ask(path)).headers
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["vary"] == "Accept-Encoding"


async def test_the_worker_alone_may_serve_the_whole_origin() -> None:
    for place in ("/sdk", PINNED):
        assert (await ask(f"{place}/service-worker.js")).headers["service-worker-allowed"] == "/"
        assert "service-worker-allowed" not in (await ask(f"{place}/clarion.js")).headers


async def test_the_manifest_pins_what_is_served() -> None:
    answer = await ask("/sdk/manifest.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == CURRENT
    manifest = msgspec.json.decode(answer.body)
    assert manifest["version"] == FILES.version
    assert set(manifest["files"]) == set(SCRIPTS)
    for name, entry in manifest["files"].items():
        script = await ask(entry["path"])
        digest = base64.b64encode(hashlib.sha384(script.body).digest()).decode()
        zipped = await ask(entry["path"], accept_encoding="gzip")
        assert entry == {
            "path": f"{PINNED}/{name}",
            "integrity": f"sha384-{digest}",
            "bytes": len(script.body),
            "gzipped": len(zipped.body),
        }


@pytest.mark.parametrize(
    "path",
    [
        "/sdk/other.js",
        "/sdk/..",
        "/sdk/inputs.sha256",
        "/sdk/0123456789abcdef/clarion.js",
        f"/sdk/{FILES.version.upper()}x/clarion.js",
        f"{PINNED}/other.js",
        f"{PINNED}/manifest.json",
    ],
)
async def test_what_is_not_there_is_a_404_in_the_envelope(path: str) -> None:
    answer = await ask(path)
    assert answer.status == 404
    assert msgspec.json.decode(answer.body) == {"error": {"message": "Not found.", "code": 1004}}
    assert "cache-control" not in answer.headers


async def test_while_nothing_was_built_there_is_nothing_and_afterwards_there_is(directory: Path) -> None:
    kept = {name: (directory / name).read_bytes() for name in SCRIPTS}
    (directory / "service-worker.js").unlink()
    app = make()
    for path in ("/sdk/clarion.js", "/sdk/manifest.json", f"{PINNED}/clarion.js"):
        answer = await ask(path, app=app)
        assert (answer.status, msgspec.json.decode(answer.body)["error"]["code"]) == (404, 1004)
    for name, content in kept.items():
        (directory / name).write_bytes(content)
    assert (await ask("/sdk/clarion.js", app=app)).status == 200


async def test_the_files_are_read_once(directory: Path) -> None:
    app = make()
    await ask("/sdk/clarion.js", app=app)
    (directory / "clarion.js").unlink()
    assert (await ask("/sdk/clarion.js", app=app)).body == SCRIPTS["clarion.js"]


@pytest.mark.parametrize("path", ["/sdk/clarion.js", f"{PINNED}/service-worker.js", "/sdk/manifest.json"])
@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_head_is_get_without_the_body(path: str, encoding: str) -> None:
    full, head = await ask(path, accept_encoding=encoding), await ask(path, "HEAD", accept_encoding=encoding)
    assert head == (full.status, full.headers, b"")
    assert head.headers["content-length"] == str(len(full.body))


async def test_other_methods_are_refused() -> None:
    answer = await ask("/sdk/clarion.js", "POST")
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


GZIP: Mapping[str, bool] = {
    "gzip": True,
    "GZip": True,
    "x-gzip": True,
    "br, gzip, deflate": True,
    "gzip;q=0.1": True,
    "*": True,
    "br;q=1.0, *;q=0.5": True,
    "": False,
    "br": False,
    "gzip;q=0": False,
    "gzip; q=0.000": False,
    "*;q=0": False,
    "gzip;q=0, *": False,
    "gzip;q=much": False,
    "gzipped": False,
    ",;=": False,
}


@pytest.mark.parametrize(("header", "zipped"), GZIP.items())
async def test_who_takes_gzip_gets_it(header: str, zipped: bool) -> None:
    answer = await ask("/sdk/clarion.js", accept_encoding=header)
    assert (answer.headers.get("content-encoding") == "gzip") is zipped
    assert (gzip.decompress(answer.body) if zipped else answer.body) == SCRIPTS["clarion.js"]


async def test_without_the_header_nothing_is_compressed() -> None:
    assert "content-encoding" not in (await ask("/sdk/clarion.js")).headers


async def test_an_entity_tag_names_one_form_of_one_content() -> None:
    tags = [
        (await ask(path, accept_encoding=encoding)).headers["etag"]
        for path in ("/sdk/clarion.js", "/sdk/service-worker.js")
        for encoding in ("", "gzip")
    ]
    assert len(set(tags)) == 4
    assert all(tag.startswith('"') and tag.endswith('"') for tag in tags)


@pytest.mark.parametrize("encoding", ["", "gzip"])
async def test_what_is_known_is_not_sent_again(encoding: str) -> None:
    full = await ask("/sdk/clarion.js", accept_encoding=encoding)
    tag = full.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = await ask("/sdk/clarion.js", accept_encoding=encoding, if_none_match=known)
        assert (answer.status, answer.body) == (304, b"")
        assert {name: answer.headers[name] for name in ("etag", "cache-control", "vary")} == {
            "etag": tag,
            "cache-control": CURRENT,
            "vary": "Accept-Encoding",
        }
    for unknown in ('"other"', tag.strip('"'), ""):
        assert (await ask("/sdk/clarion.js", accept_encoding=encoding, if_none_match=unknown)).status == 200
    other = "gzip" if not encoding else ""
    assert (await ask("/sdk/clarion.js", accept_encoding=other, if_none_match=tag)).status == 200


def test_a_version_is_its_contents() -> None:
    assert assemble(dict(reversed(SCRIPTS.items()))).version == FILES.version
    assert FILES.version != assemble({**SCRIPTS, "clarion.js": SCRIPTS["clarion.js"] + b" "}).version
    swapped = {"clarion.js": SCRIPTS["service-worker.js"], "service-worker.js": SCRIPTS["clarion.js"]}
    assert FILES.version != assemble(swapped).version
    assert len(FILES.version) == 16


def test_both_scripts_have_to_be_there(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert read_sdk(empty) is None
    assert read_sdk(tmp_path / "nowhere") is None
    assert read_sdk(tmp_path) == FILES
