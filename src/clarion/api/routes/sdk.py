"""`/sdk/…`: the browser SDK, its service worker, and the manifest by which pages pin a version.

Scripts are public and the same for everybody, so any origin may load them and any cache keep them (RFC 9111 §5.2.2).
"""

from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

import clarion
from clarion.api.sdk_files import MANIFEST, SdkFile, SdkFiles, read_sdk
from clarion.contract.errors import not_found

DIRECTORY: Final = Path(clarion.__file__).parent / "web" / "sdk"
WORKER: Final = "service-worker.js"
CURRENT: Final = "public, max-age=300"
"""An upgrade reaches pages within five minutes."""
PINNED: Final = "public, max-age=31536000, immutable"
"""The address names the content, which is the same for ever (RFC 8246)."""


async def show_current(request: Request) -> Response:
    """A script of the version that this server has, or the manifest."""
    return _answer(request, _files(request), CURRENT)


async def show_pinned(request: Request) -> Response:
    """A script of one version. Raises Refusal (404) for any other than this server's."""
    files = _files(request)
    if request.path_params["version"] != files.version or request.path_params["name"] == MANIFEST:
        raise not_found()
    return _answer(request, files, PINNED)


def _files(request: Request) -> SdkFiles:
    """The SDK, read once. Raises Refusal (404) where none was built."""
    state = request.app.state
    files: SdkFiles | None = getattr(state, "sdk", None)
    if files is None:
        files = state.sdk = read_sdk(DIRECTORY)
    if files is None:
        raise not_found()
    return files


def _answer(request: Request, files: SdkFiles, caching: str) -> Response:
    name = request.path_params["name"]
    file = files.files.get(name)
    if file is None:
        raise not_found()
    zipped = takes_gzip(request.headers.get("accept-encoding", ""))
    tag = f'"{file.tag}-gzip"' if zipped else f'"{file.tag}"'
    headers = {
        "Access-Control-Allow-Origin": "*",
        "Cache-Control": caching,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "ETag": tag,
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if name == WORKER:
        # the worker may serve the whole origin, though its script is below /sdk (Service Workers §6.1, `Service-Worker-Allowed`)
        headers["Service-Worker-Allowed"] = "/"
    if is_known(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    if zipped:
        headers["Content-Encoding"] = "gzip"
    return _body(request, file.gzipped if zipped else file.content, file, headers)


def _body(request: Request, content: bytes, file: SdkFile, headers: dict[str, str]) -> Response:
    if request.method == "HEAD":
        return Response(headers={**headers, "Content-Length": str(len(content)), "Content-Type": file.media_type})
    return Response(content, headers=headers, media_type=file.media_type)


def takes_gzip(header: str) -> bool:
    """Whether an Accept-Encoding has gzip, by name or by `*`, with a weight above 0 (RFC 9110 §12.5.3)."""
    weights = dict(_weighted(part) for part in header.lower().split(",") if part.strip())
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0


def _weighted(part: str) -> tuple[str, float]:
    coding, _, parameter = part.partition(";")
    name, _, value = parameter.partition("=")
    try:
        weight = float(value) if name.strip() == "q" else 1.0
    except ValueError:
        weight = 0.0
    return coding.strip(), weight


def is_known(header: str, tag: str) -> bool:
    """Whether an If-None-Match names the entity tag; the comparison is the weak one (RFC 9110 §13.1.2)."""
    return header.strip() == "*" or any(candidate.strip().removeprefix("W/") == tag for candidate in header.split(","))
