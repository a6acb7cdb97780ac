"""A server with the SDK's files as they are and a `/p/v1` that answers as told, and remembers what it was asked."""

import asyncio
import json
from collections import deque
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from tests.sdk.shop import PATIENCE

from clarion.api.context import guarded
from clarion.api.routes import sdk

KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
"""A VAPID key (RFC 8292 §3.2)."""
OTHER_KEY = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
SITE = 7


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any
    at: float
    """Seconds of the event loop's clock."""


class Told(NamedTuple):
    """An answer that a test wants."""

    status: int
    body: Any
    headers: dict[str, str]


class Fake:
    """What `/p/v1` says and was asked."""

    def __init__(self) -> None:
        self.key = KEY
        self.requests: list[Asked] = []
        self.reachable = True
        """Whether there is a network between the browser and this."""
        self._subscribers = 0
        self._told: dict[str, deque[Told]] = {}
        self._held: dict[str, asyncio.Event] = {}
        self._news = asyncio.Condition()
        self.app = Starlette(
            routes=[
                Route("/sdk/{name}", guarded(sdk.show_current)),
                Route("/sdk/{version}/{name}", guarded(sdk.show_pinned)),
                Route("/p/v1/{path:path}", self._answer, methods=["GET", "PUT", "POST", "DELETE", "OPTIONS"]),
            ]
        )

    def tell(self, path: str, status: int, body: Any = None, **headers: str) -> None:
        """The next request at this address gets this; each call is for one more."""
        said = {"error": {"message": f"told {status}", "code": 1003}} if body is None else body
        self._told.setdefault(path, deque()).append(Told(status, said, {name.replace("_", "-"): value for name, value in headers.items()}))

    def hold(self, path: str) -> asyncio.Event:
        """Requests at this address are answered when the event is set."""
        return self._held.setdefault(path, asyncio.Event())

    def at(self, path: str) -> list[Asked]:
        """The requests at an address so far."""
        return [asked for asked in self.requests if asked.path == path]

    async def asked(self, path: str, count: int = 1) -> Asked:
        """Wait until an address was asked so often; returns the last request of these."""
        async with asyncio.timeout(PATIENCE), self._news:
            await self._news.wait_for(lambda: len(self.at(path)) >= count)
        return self.at(path)[count - 1]

    async def _answer(self, request: Request) -> Response:
        shared = {
            "Access-Control-Allow-Origin": request.headers.get("origin", "*"),
            "Access-Control-Expose-Headers": "Retry-After",
            "Cache-Control": "no-store",
        }
        if request.method == "OPTIONS":
            allowed = {
                "Access-Control-Allow-Methods": "GET, PUT, POST, DELETE",
                "Access-Control-Allow-Headers": "content-type, x-profile-signature",
            }
            return Response(status_code=204, headers={**shared, **allowed, "Access-Control-Max-Age": "600"})
        path = request.path_params["path"]
        raw = await request.body()
        now = asyncio.get_running_loop().time()
        if not self.reachable:
            # a page may not read it, which is what it sees when there is no network
            return Response(status_code=503)
        asked = Asked(request.method, path, dict(request.query_params), dict(request.headers), json.loads(raw) if raw else None, now)
        async with self._news:
            self.requests.append(asked)
            self._news.notify_all()
        if path in self._held:
            await self._held[path].wait()
        told = self._told.get(path)
        if told:
            status, body, headers = told.popleft()
            return JSONResponse(body, status, headers={**shared, **headers})
        return JSONResponse(self._usual(asked), headers=shared)

    def _usual(self, asked: Asked) -> Any:
        if asked.path.startswith("sites/"):
            return {
                "error_code": 0,
                "data": {"site_id": SITE, "app_id": "app-1", "site_name": "Shop", "vapid_public_key": self.key, "api": {}},
            }
        if asked.path == "subscriber/add":
            if asked.body.get("previous"):
                return {"error_code": 0, "data": {"subscriber_hash": asked.body["previous"]}}
            self._subscribers += 1
            return {"error_code": 0, "data": {"subscriber_hash": f"hash-{self._subscribers}"}}
        if asked.path == "events/track":
            return {"data": True}
        if asked.path == "trigger":
            return {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
        if asked.path.endswith("/attributes") and asked.method == "GET":
            return {"error_code": 0, "data": {"plan": "gold"}}
        if asked.method == "GET":
            return {"error_code": 0, "data": {"device": "desktop", "segments": ["news"]}}
        return {"error_code": 0, "data": {}}
