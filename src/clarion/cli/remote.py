"""An instance behind a URL, over its HTTP API."""

import http.client
import urllib.error
import urllib.request
from email.message import Message
from typing import Final, Self
from urllib.parse import urlsplit

import msgspec

from clarion.cli.failures import Failure, WrongUsage
from clarion.cli.output import View
from clarion.cli.remote_explain import RemoteExplanations
from clarion.cli.remote_moving import RemoteMoving
from clarion.cli.remote_operations import RemoteOperations
from clarion.cli.remote_people import RemotePeople
from clarion.cli.remote_site import list_in, part
from clarion.cli.remote_workflows import RemoteWorkflows
from clarion.contract.errors import ErrorBody

TIMEOUT: Final = 30
"""Seconds to wait for the server's next byte."""
LARGEST: Final = 32 * 1024 * 1024
"""Bytes of an answer that are read at most."""

_ADVICE: Final = {
    401: "give the key of this server's site with --key or CLARION_API_KEY",
    403: "use a key with the scope that this needs: clarion keys create --name NAME --scopes SCOPES",
    404: "check the URL, and that the server is as new as this command",
    409: "use another event_id, or none",
    429: "wait a moment and try again",
    503: "try again; if it stays so, run clarion doctor on the server",
}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect is an error here: followed, it would carry the API key to wherever it points."""

    def redirect_request(self, *_: object) -> None:
        return None


class _ErrorAnswer(msgspec.Struct):
    error: ErrorBody


class RemoteInstance(RemoteWorkflows, RemoteOperations, RemoteExplanations, RemotePeople, RemoteMoving):
    """The site that an API key belongs to."""

    def __init__(self, server: str, key: str) -> None:
        """Raises WrongUsage unless `server` is an http(s) URL and `key` can stand in a header."""
        parts = urlsplit(server)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise WrongUsage("--server needs a URL — for example http://127.0.0.1:8080")
        if not (key.isascii() and key.isprintable()):
            raise WrongUsage("the API key holds characters that no key has — copy it again")
        self._base = server.rstrip("/")
        self._key = key
        self._opener = urllib.request.build_opener(_NoRedirects)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opener.close()

    def send_event(self, body: bytes) -> View:
        return self._ask("POST", "events", body)

    def events(self, after: str, limit: int) -> tuple[list[View], str]:
        page = self._ask("GET", f"log?limit={limit}" + (f"&after={part(after)}" if after else ""))
        cursor = page.get("cursor")
        if not (isinstance(cursor, str) and cursor):
            raise Failure(f"{self._base} gave no place to go on from in the log — use the command of the server's version")
        return list_in(page, "events"), cursor

    def secrets(self) -> list[View]:
        return list_in(self._ask("GET", "secrets"), "secrets")

    def set_secret(self, name: str, value: str) -> View:
        return self._ask("PUT", f"secrets/{part(name)}", msgspec.json.encode({"value": value}))

    def remove_secret(self, name: str) -> None:
        self._ask("DELETE", f"secrets/{part(name)}")

    def profile(self, profile_id: str) -> View:
        return self._ask("GET", f"profiles/{part(profile_id)}")

    def subscriber(self, device_token_hash: str) -> View:
        return self._ask("GET", f"subscribers/{part(device_token_hash)}")

    def _ask(self, method: str, path: str, body: bytes | None = None, content_type: str = "application/json") -> View:
        raw, _ = self._answer(method, path, body, content_type)
        return _data(raw, self._base)

    def _fetch(self, path: str, header: str) -> tuple[bytes, str | None]:
        raw, headers = self._answer("GET", path, None, "")
        if len(raw) > LARGEST:
            raise Failure(f"{self._base} gave an answer that is too large — ask for fewer rows")
        return raw, headers.get(header)

    def _answer(self, method: str, path: str, body: bytes | None, content_type: str) -> tuple[bytes, Message]:
        headers = {"Api-Key": self._key, "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content_type
        request = urllib.request.Request(f"{self._base}/api/v1/{path}", data=body, headers=headers, method=method)  # noqa: S310 - the scheme was checked
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return response.read(LARGEST + 1), response.headers
        except urllib.error.HTTPError as error:
            with error:
                raise _refused(error.code, error.read(LARGEST), self._base) from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            reason = getattr(error, "reason", error)
            raise Failure(f"{self._base} does not answer: {reason} — check the URL, and that the server is running") from None


def _data(raw: bytes, base: str) -> View:
    try:
        answer = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    if len(raw) > LARGEST or not isinstance(answer, dict) or not isinstance(answer.get("data"), dict):
        raise Failure(f"{base} gave an answer that is not Clarion's — check the URL")
    data: View = answer["data"]
    return data


def _refused(status: int, raw: bytes, base: str) -> Failure:
    try:
        error = msgspec.json.decode(raw, type=_ErrorAnswer).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Failure(f"{base} answered {status} without Clarion's error — check the URL")
    *lines, last = [detail.message for detail in error.details] or [error.message]
    said, dash, advice = last.partition(" — ")
    if status not in (404, 409) or not error.details:  # these say themselves what there is to do
        said, dash, advice = last, " — ", _ADVICE.get(status, "correct it and try again")
    return Failure(*lines, f"{said} (HTTP {status}){dash}{advice}")
