"""A page or an app of a site: it knows the public app id and the hash of its own subscriber, and holds no secret."""

import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.e2e.server import Api, Listener
from tests.e2e.shop import Device
from tests.server.client import Client, Response, request


class Page:
    """One connection to `/p/v1` that is kept open."""

    def __init__(self, client: Client, app_id: str) -> None:
        self._client = client
        self.app_id = app_id

    async def ask(self, method: str, path: str, body: object = None, *headers: str) -> Response:
        """Send a request as it is; `body` goes out as JSON."""
        raw = b"" if body is None else json.dumps(body).encode()
        return await self._client.ask(request(method, f"/p/v1/{path}", raw, "Content-Type: application/json", *headers))

    async def say(self, path: str, method: str = "POST", **fields: object) -> Any:
        """Send fields in the name of the site, which have to be taken; returns what the answer says."""
        answer = await self.ask(method, path, {"app_id": self.app_id, **fields})
        assert answer.status == 200, answer
        return answer.json["data"]

    async def refused(self, path: str, method: str = "POST", **fields: object) -> tuple[int, list[str]]:
        """Send fields in the name of the site, which must not be taken; returns the status and where the problems are."""
        answer = await self.ask(method, path, {"app_id": self.app_id, **fields})
        assert answer.status >= 400, answer
        assert answer.json["error_code"] == answer.json["error"]["code"]
        return answer.status, [".".join(one["path"]) for one in answer.json["error"].get("details", [])]

    async def subscribe(self, device: Device, **fields: object) -> str:
        """Register a device's subscription; returns the hash that the server issues."""
        said = await self.say("subscriber/add", "POST", subscription=subscription(device), **fields)
        hashed = said["subscriber_hash"]
        assert isinstance(hashed, str)
        return hashed

    async def show(self, hashed: str, *headers: str) -> Any:
        """What is told of a subscriber; None where there is none."""
        answer = await self.ask("GET", f"subscriber/{hashed}?app_id={self.app_id}", None, *headers)
        assert answer.status in {200, 404}, answer
        return None if answer.status == 404 else answer.json["data"]


def subscription(device: Device) -> dict[str, Any]:
    """What a device's browser gives to the page."""
    return {"endpoint": device.endpoint, "expirationTime": None, "keys": {"p256dh": device.browser.p256dh, "auth": device.browser.auth}}


@asynccontextmanager
async def page(server: Listener, api: Api) -> AsyncIterator[Page]:
    """A page of the site that the API's key belongs to."""
    app_id = (await api.get("/site"))["app_id"]
    async with server.connect() as client:
        yield Page(client, app_id)


class Signer:
    """The part of a shop's backend that knows the identity secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    @classmethod
    async def new(cls, api: Api) -> "Signer":
        """With a new secret; signatures of earlier ones are void."""
        answer = await api.ask("POST", "/site/identity/rotate", {})
        assert answer.status == 200, answer
        return cls(answer.json["data"]["identity_secret"])

    def sign(self, profile_id: str) -> str:
        """Proves that somebody is who they say they are."""
        return hmac.digest(self._secret, profile_id.encode(), "sha256").hex()
