"""A server of `/p/v1` on a port of loopback, over a store that keeps what it is given in lists."""

import hashlib
import hmac
import json
from collections.abc import Callable, Sequence
from typing import Any, Final, cast

import msgspec
from tests.server.client import Client, Response, request

from clarion.api.access import Access
from clarion.api.app import body_limit, direct_routes, make_app
from clarion.api.context import Context
from clarion.api.documents import DocumentReader
from clarion.api.limits import RateLimit
from clarion.api.sdk.desk import Desk
from clarion.api.sdk.people import People
from clarion.api.server import HttpServer
from clarion.control.site_keys import purpose_of
from clarion.control.sites import VAPID_PURPOSE, WEBHOOK_PURPOSE, new_vapid_key, new_webhook_secret
from clarion.delivery.guard import PushAllowList
from clarion.directory import Directory
from clarion.domain.ids import anonymous_profile
from clarion.domain.records import Profile, Subscriber
from clarion.store.port import NotFound, Store, StoreError
from clarion.store.records.configuration import Configuration
from clarion.store.records.deliveries import Delivery, DeliveryRow
from clarion.store.records.entries import Appended, NewEntry
from clarion.store.records.profiles import ProfileView
from clarion.store.records.sites import Site, SiteKey
from clarion.vault import Vault

NOW: Final = 1_800_000_000_000_000
VAULT: Final = Vault(b"k" * 32)
SECRET: Final = b"identity secret of a test"
SHOP, OTHER, OPEN = "shop-app", "other-app", "open-app"
"""App ids: of a site that wants signatures and takes any origin, of one with origins, and of one that wants no signatures."""
PAGE: Final = "https://shop.example"
HASH: Final = "0123456789abcdef" * 4
"""A subscriber of the shop with an anonymous profile."""
NAMED: Final = "fedcba9876543210" * 4
"""A subscriber of the shop whose profile_id is `ann`."""
SUBSCRIPTION: Final = {
    "endpoint": "https://fcm.googleapis.com/fcm/send/abc",
    "expirationTime": None,
    "keys": {"p256dh": new_vapid_key()[1], "auth": "AAAAAAAAAAAAAAAAAAAAAA"},
}


def make_site(number: int, app_id: str, **settings: Any) -> Site:
    private, public = new_vapid_key()
    return Site(
        number,
        f"Site {number}",
        app_id,
        public,
        VAULT.seal(private, VAPID_PURPOSE),
        "mailto:ops@shop.example",
        VAULT.seal(new_webhook_secret().encode(), WEBHOOK_PURPOSE),
        0,
        **settings,
    )


def sign(profile_id: str) -> str:
    """As a site's backend does it."""
    return hmac.new(SECRET, profile_id.encode(), hashlib.sha256).hexdigest()


class FakeStore:
    """As much of the port as `/p/v1` needs. What is appended is kept and never applied."""

    partitions = 1
    shared = False

    def __init__(self) -> None:
        self.sites = [make_site(1, SHOP), make_site(2, OTHER, origins=(PAGE,)), make_site(3, OPEN, dangerous_unsigned_profiles=True)]
        private, public = new_vapid_key()
        earlier = SiteKey(1, "vapid", 7, public, VAULT.seal(private, VAPID_PURPOSE), 0)
        secrets = [SiteKey(site, "identity", 0, "", VAULT.seal(SECRET, purpose_of("identity", site)), 0) for site in (1, 2, 3)]
        self.site_keys = [earlier, *secrets]
        self.subscribers: dict[tuple[int, str], Subscriber] = {}
        self.profiles: dict[tuple[int, str], Profile] = {}
        self.deliveries: dict[tuple[int, str], DeliveryRow] = {}
        self.entries: list[NewEntry] = []
        self.reads = 0
        self.error: StoreError | None = None
        """What every access fails with."""

    def now(self) -> int:
        return NOW

    async def configuration(self) -> Configuration:
        return Configuration(1, self.sites, [], [], site_keys=self.site_keys)

    def add(self, site: int, hashed: str, profile: str | None = None, **more: Any) -> Subscriber:
        key = profile or anonymous_profile(hashed)
        added = Subscriber(hashed, key, str(SUBSCRIPTION["endpoint"]), "", "", created=NOW, **more)
        self.subscribers[site, hashed] = added
        return added

    async def subscriber(self, site: int, device_token_hash: str) -> Subscriber:
        self.reads += 1
        if self.error is not None:
            raise self.error
        try:
            return self.subscribers[site, device_token_hash]
        except KeyError:
            raise NotFound("no subscriber") from None

    async def subscriber_profile(self, site: int, device_token_hash: str) -> str:
        return (await self.subscriber(site, device_token_hash)).profile

    async def profile(self, site: int, key: str, limit: int = 100) -> ProfileView:
        assert limit == 1, "nothing but the profile is wanted"
        try:
            return ProfileView(self.profiles[site, key], [], [], [], [])
        except KeyError:
            raise NotFound("no profile") from None

    async def delivery(self, site: int, delivery: str, partition: int | None = None) -> DeliveryRow:
        assert partition in (0, None), "the token says where it is; only then it may be elsewhere"
        try:
            return self.deliveries[site, delivery]
        except KeyError:
            raise NotFound("no delivery") from None

    def send(self, site: int, delivery: str, subscriber: str) -> None:
        """A push has gone out."""
        profile = anonymous_profile(subscriber)
        sent = Delivery(delivery, site, "e", "r", "w", "s", profile, "push", msgspec.Raw(b"{}"), NOW, NOW, NOW, subscriber)
        self.deliveries[site, delivery] = DeliveryRow(sent, "sent")

    async def append(self, entries: Sequence[NewEntry]) -> list[Appended]:
        if self.error is not None:
            raise self.error
        return [self._append(entry) for entry in entries]

    def append_nowait(self, entries: Sequence[NewEntry], done: Callable[[list[Appended] | StoreError], None]) -> None:
        if self.error is not None:
            done(self.error)
        else:
            done([self._append(entry) for entry in entries])

    def _append(self, entry: NewEntry) -> Appended:
        claim = entry.claim
        for before in self.entries if claim is not None else ():
            known = before.claim
            if claim and known and (before.site, known.target, known.event_id) == (entry.site, claim.target, claim.event_id):
                return Appended.DUPLICATE if known.content == claim.content else Appended.CONFLICT
        self.entries.append(entry)
        return Appended.STORED


class World:
    """The server, and a client of it."""

    def __init__(self) -> None:
        self.time = NOW
        """Of the steady clock."""
        self.pauses: list[float] = []
        self.while_waiting: Callable[[], None] = lambda: None
        """Happens each time that the server waits for what it has accepted."""
        self.ready = True
        self.ids = 0
        self.store = FakeStore()
        self.store.add(1, HASH)
        self.store.add(1, NAMED, "n:ann", facts={"country": "DE", "device": "mobile"})
        self.store.profiles[1, "n:ann"] = Profile("n:ann", {"plan": "gold"}, ("vip",))
        self.store.profiles[1, anonymous_profile(HASH)] = Profile(anonymous_profile(HASH), {"size": 42}, ("new",))
        self.directory = Directory(cast("Store", self.store), VAULT)
        self.context: Context
        self._server: HttpServer
        self._client: Client

    async def start(self, **limits: Any) -> None:
        await self.directory.refresh()
        steady = lambda: self.time  # noqa: E731  # a clock that the test moves

        async def pause(seconds: float) -> None:
            self.pauses.append(seconds)
            self.while_waiting()

        store = cast("Store", self.store)
        access = Access(self.directory, self.store.now, RateLimit(0, steady), lambda: False)
        desk = Desk(steady=steady, people=People(steady, pause), **limits)
        self.context = Context(
            store,
            self.directory,
            access,
            self.store.now,
            self._new_id,
            DocumentReader(),
            PushAllowList(),
            is_ready=lambda: self.ready,
            desk=desk,
        )
        self._server = HttpServer(make_app(self.context), direct_routes(self.context), "127.0.0.1", 0, body_limit=body_limit)
        self.port = (await self._server.start())[1]
        self._client = await Client.connect("127.0.0.1", self.port)

    def _new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:032x}"

    async def stop(self) -> None:
        self._client.close()
        await self._server.stop(0)

    async def ask(self, method: str, path: str, body: object = None, *headers: str) -> Response:
        """Ask below `/p/v1/`; `body` is bytes, or goes out as JSON."""
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        typed = any(line.lower().startswith("content-type") for line in headers)
        lines = headers if typed else ("Content-Type: application/json", *headers)
        answer = await self._client.ask(request(method, f"/p/v1/{path}", raw, *lines))
        if answer.headers.get("connection") == "close":
            self._client.close()
            self._client = await Client.connect("127.0.0.1", self.port)
        return answer

    async def data(self, method: str, path: str, body: object = None, *headers: str) -> Any:
        """The data of an answer, which has to be 200."""
        answer = await self.ask(method, path, body, *headers)
        assert answer.status == 200, answer
        return answer.json["data"]

    async def status(self, method: str, path: str, body: object = None, *headers: str) -> int:
        return (await self.ask(method, path, body, *headers)).status

    async def track(self, name: str = "seen", *headers: str, **fields: object) -> Response:
        """Send an event of the shop's anonymous subscriber, as the SDKs write it."""
        body = {
            "site_id": 1,
            "device_token_hash": HASH,
            "event_name": name,
            "provider": "PushEngage",
            "event_type": "PushEngage.CustomEvent",
            "profile_id": None,
            "data": {},
        }
        return await self.ask("POST", "events/track", body | fields, *headers)

    @property
    def bodies(self) -> list[Any]:
        """What was accepted: (kind, body) of each entry, and the store is empty again."""
        taken, self.store.entries = self.store.entries, []
        return [(entry.kind.value, msgspec.json.decode(entry.body)) for entry in taken]
