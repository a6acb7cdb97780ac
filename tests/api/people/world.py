"""The API over a store of its own, asked without a socket; what comes in is applied by a real engine when a test says so."""

import asyncio
import base64
import json
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.types import Message
from tests.control.shop import NOON, Shop, new_id

from clarion.api.access import Access
from clarion.api.app import make_app
from clarion.api.context import Context
from clarion.api.documents import DocumentReader
from clarion.api.limits import RateLimit
from clarion.control.api_keys import create_key
from clarion.delivery.guard import PushAllowList
from clarion.directory import Directory
from clarion.engine.owner import Owner
from clarion.fresh_ids import fresh_id
from clarion.store.port import Store
from clarion.store.records.commits import Outcome
from clarion.vault import Vault

VAULT: Final = Vault(bytes(32))


def point() -> str:
    """A public key that lies on the curve."""
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return base64.urlsafe_b64encode(key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)).rstrip(b"=").decode()


POINT: Final = point()


def subscription(name: str) -> dict[str, Any]:
    """What a browser gives."""
    return {"endpoint": f"https://updates.push.services.mozilla.com/wpush/v2/{name}", "keys": {"p256dh": POINT, "auth": "A" * 22}}


class Answer(NamedTuple):
    """An answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def data(self) -> Any:
        """Of a success."""
        assert self.json["error_code"] == 0, self.body
        return self.json["data"]

    @property
    def problems(self) -> list[tuple[str, list[str]]]:
        """What a failure names."""
        return [(one["message"], one["path"]) for one in self.json["error"].get("details", [])]


class World:
    """A shop and its API; `now` is the time of everything until a test changes it."""

    def __init__(self, store: Store, shop: Shop) -> None:
        self.store, self.shop, self.site = store, shop, shop.site
        self.now = NOON
        self.directory = Directory(store, VAULT)
        access = Access(self.directory, lambda: self.now, RateLimit(0, lambda: 0), lambda: False)
        hosts = PushAllowList()
        self.app = make_app(Context(store, self.directory, access, lambda: self.now, new_id, DocumentReader(), hosts))
        self.keys: dict[str, str] = {}
        self._owner: Owner | None = None
        store.on_change(self._wake)

    def _wake(self, _: str, __: object) -> None:
        if self._owner is not None:
            self._owner.wake()

    @classmethod
    async def make(cls, store: Store) -> "World":
        """With a key of each scope."""
        world = cls(store, await Shop.make(store))
        for scope in ("admin", "read", "write", "events"):
            world.keys[scope], _ = await create_key(store, world.site, scope, (scope,), NOON)
        await world.directory.refresh()
        return world

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        scope: str = "admin",
        content_type: str = "application/json",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Ask under `/api/v1`; `path` as it is sent."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        raw, _, query = f"/api/v1{path}".partition("?")
        sent = {"api-key": self.keys[scope], **({} if body is None else {"content-type": content_type}), **(headers or {})}
        scope_of = {
            "type": "http",
            "method": method,
            "path": unquote(raw),
            "raw_path": raw.encode(),
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in sent.items()],
            "app": self.app,
        }
        said: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": content, "more_body": False}

        async def send(message: Message) -> None:
            said.append(message)

        await self.app(scope_of, receive, send)
        start = said[0]
        headers_of = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], headers_of, b"".join(message.get("body", b"") for message in said[1:]))

    async def get(self, path: str, **more: Any) -> Answer:
        return await self.ask("GET", path, **more)

    async def post(self, path: str, body: object = None, **more: Any) -> Answer:
        return await self.ask("POST", path, {} if body is None else body, **more)

    async def register(self, name: str, **more: Any) -> str:
        """A browser that subscribes; applied. Returns its hash."""
        answer = await self.post("/subscribers", {"subscription": subscription(name), **more})
        assert answer.status == 200, answer.body
        await self.apply()
        hashed: str = answer.data["device_token_hash"]
        return hashed

    async def apply(self) -> None:
        """What a running engine does, until there is nothing left to do."""
        owner = self._owner = Owner(self.store, 0, lambda: self.now, fresh_id, steady=lambda: 0, pace=0)
        committed, commit = asyncio.Event(), self.store.commit

        async def commit_and_say_so(outcome: Outcome) -> None:
            await commit(outcome)
            committed.set()

        self.store.commit = commit_and_say_so  # type: ignore[method-assign]  # to hear of commits
        try:
            await owner.start()
            async with asyncio.timeout(10):
                while await self._is_anything_left():
                    await committed.wait()
                    committed.clear()
        finally:
            await owner.stop()
            self.store.commit = commit  # type: ignore[method-assign]

    async def _is_anything_left(self) -> bool:
        taken = await self.store.take(0, 1, self.now, 1)
        return bool(taken.entries or taken.due or await self.store.sweeps(0))
