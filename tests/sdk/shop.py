"""The site whose pages load the SDK: what its server has, and what a browser does there."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Worker
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from clarion.api.protocol_limits import ServerLimits
from clarion.api.server import HttpServer

APP = "app-1"
PUSH_SERVICE = "https://fcm.googleapis.com/fcm/send"
_PUSH_MANAGER = """
(() => {
  // Chromium as Debian has it knows no push service: subscriptions are made here, and kept as a browser keeps them
  if (typeof PushManager === 'undefined') return;
  const read = () => JSON.parse(localStorage.getItem('test.subscription') ?? 'null');
  const make = (kept) => kept && {
    endpoint: kept.endpoint,
    options: {userVisibleOnly: true, applicationServerKey: Uint8Array.from(kept.key).buffer},
    toJSON: () => ({endpoint: kept.endpoint, expirationTime: null, keys: kept.keys}),
    unsubscribe: async () => (localStorage.removeItem('test.subscription'), true),
  };
  const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\\+/g, '-').replace(/\\//g, '_').replace(/=/g, '');
  PushManager.prototype.getSubscription = async () => make(read());
  PushManager.prototype.subscribe = async ({applicationServerKey}) => {
    const key = [...applicationServerKey];
    const present = read();
    if (present && String(present.key) !== String(key)) throw new DOMException('another key', 'InvalidStateError');
    if (present) return make(present);
    const pair = await crypto.subtle.generateKey({name: 'ECDH', namedCurve: 'P-256'}, true, ['deriveBits']);
    const number = Number(localStorage.getItem('test.subscriptions') ?? 0) + 1;
    localStorage.setItem('test.subscriptions', number);
    const point = await crypto.subtle.exportKey('raw', pair.publicKey);
    const keys = {p256dh: text(point), auth: text(crypto.getRandomValues(new Uint8Array(16)))};
    const {d} = await crypto.subtle.exportKey('jwk', pair.privateKey);
    const kept = {endpoint: `PUSH_SERVICE/${number}-${keys.auth}`, key, keys, d};
    localStorage.setItem('test.subscription', JSON.stringify(kept));
    return make(kept);
  };
})();
"""


def push_manager(service: str = PUSH_SERVICE) -> str:
    """A script that stands in for the browser's PushManager; endpoints are below an address of a push service."""
    return _PUSH_MANAGER.replace("PUSH_SERVICE", service)


PATIENCE = 20.0
"""Seconds after which a test has failed; none waits for it to pass."""
FORGET = "localStorage.removeItem('test.subscription')"
"""The browser loses its subscription."""


@asynccontextmanager
async def hosting(app: ASGIApp) -> AsyncIterator[str]:
    """The app on a server of Clarion's own kind; gives its origin."""
    server = HttpServer(app, {}, "127.0.0.1", 0, limits=ServerLimits())
    host, port = await server.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        await server.stop(0)


class Shop:
    """What the site's server has, by address: a page or a script, and headers of its own."""

    def __init__(self, api: str, app_id: str = APP) -> None:
        """`api`: the origin of Clarion's server; `app_id`: what the site is called there."""
        self.api, self.app_id = api, app_id
        self.origin = ""
        self.files: dict[str, tuple[str, str, dict[str, str]]] = {}
        self.app = Starlette(routes=[Route("/{path:path}", self._answer)])
        self.page("/", self.snippet())
        self.script("/service-worker.js", f"importScripts('{api}/sdk/service-worker.js');")

    def snippet(self, options: str = "", before: str = "", after: str = "") -> str:
        """What a site puts into its pages; `options` goes into those of init, `before` and `after` are scripts of the page's own."""
        return (
            f"<script>window.PushEngage = window.PushEngage || []; {before};"
            f"PushEngage.push(['init', {{appId: '{self.app_id}' {options}}}]); {after}</script>"
            f'<script async src="{self.api}/sdk/clarion.js"></script>'
        )

    def page(self, path: str, head: str, body: str = "", **headers: str) -> None:
        html = f"<!doctype html><html lang=en><head><meta charset=utf-8><title>Shop</title>{head}</head><body>{body}</body></html>"
        self.files[path] = (html, "text/html", {name.replace("_", "-"): value for name, value in headers.items()})

    def script(self, path: str, source: str) -> None:
        self.files[path] = (source, "text/javascript", {})

    async def _answer(self, request: Request) -> Response:
        found = self.files.get(request.url.path)
        if found is None:
            return Response(status_code=404)
        return Response(found[0], media_type=found[1], headers=found[2])


@asynccontextmanager
async def person(browser: Browser, service: str = PUSH_SERVICE) -> AsyncIterator[BrowserContext]:
    """Somebody who has this browser for the block, and whatever is kept in it. Pushes come from a service."""
    context = await browser.new_context(reduced_motion="reduce")
    await context.add_init_script(push_manager(service))
    yield context
    await context.close()


class Visit:
    """One tab on the site."""

    def __init__(self, page: Page, shop: Shop) -> None:
        self.page, self.shop = page, shop
        self.warnings: list[str] = []
        self.errors: list[str] = []
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "warning":
            self.warnings.append(message.text)

    @classmethod
    async def begin(cls, context: BrowserContext, shop: Shop, path: str = "/") -> Self:
        """A new tab, with the SDK loaded."""
        visit = cls(await context.new_page(), shop)
        return await visit.go(path)

    async def go(self, path: str = "/") -> Self:
        """Open a page in the tab and wait for the SDK."""
        await self.page.goto(self.shop.origin + path)
        await self.page.wait_for_function("typeof window.PushEngage?.trackEvent === 'function'")
        return self

    async def call(self, method: str, *given: Any) -> Any:
        """What a method of the SDK resolves with, or `{"rejected": {message, details}}`."""
        return await self.page.evaluate(
            """async ([method, given]) => {
                try { return await PushEngage[method](...given) ?? null; }
                catch (error) {
                    if (!(error instanceof Error)) throw new TypeError('no Error');
                    return {rejected: {message: error.message, details: error.details}};
                }
            }""",
            [method, list(given)],
        )

    async def waiting(self, queue: str = "events") -> list[Any]:
        """What is kept to be sent."""
        rows: list[Any] = await self.page.evaluate(
            """(queue) => new Promise((resolve, reject) => {
                const opening = indexedDB.open('clarion');
                opening.onerror = () => reject(opening.error);
                opening.onsuccess = () => {
                    const database = opening.result;
                    const reading = database.transaction(queue).objectStore(queue).getAll();
                    reading.onsuccess = () => (database.close(), resolve(reading.result));
                };
            })""",
            queue,
        )
        return rows


class ServiceWorker:
    """The worker of the site, as the browser's own side sees it: pushes in, notifications out."""

    def __init__(self, visit: Visit, worker: Worker) -> None:
        self._visit, self.worker = visit, worker

    @classmethod
    async def of(cls, visit: Visit) -> Self:
        """The site's worker, once it is there."""
        context, origin = visit.page.context, visit.shop.origin

        def of_the_site(worker: Worker) -> bool:
            return worker.url.startswith(f"{origin}/")

        there = next(filter(of_the_site, context.service_workers), None)
        worker = there or await context.wait_for_event("serviceworker", of_the_site)
        # asked of the page: there a change of state follows what was read, while in the worker `activate` may have been before
        await visit.page.evaluate(
            """async (origin) => {
                const all = await navigator.serviceWorker.getRegistrations();
                const {active, waiting, installing} = all.find(({scope}) => scope.startsWith(origin));
                const worker = active ?? waiting ?? installing;
                while (worker.state !== 'activated') {
                    if (worker.state === 'redundant') throw new Error('the worker was not installed');
                    await new Promise((resolve) => worker.addEventListener('statechange', resolve, {once: true}));
                }
            }""",
            f"{origin}/",
        )
        return cls(visit, worker)

    async def push(self, payload: Any) -> None:
        """A push arrives; a text as it is, all else as JSON."""
        session = await self._visit.page.context.new_cdp_session(self._visit.page)
        origin = self._visit.shop.origin
        known: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def registered(told: Any) -> None:
            ids = [one["registrationId"] for one in told["registrations"] if one["scopeURL"].startswith(f"{origin}/")]
            if ids and not known.done():
                known.set_result(ids[-1])

        session.on("ServiceWorker.workerRegistrationUpdated", registered)
        await session.send("ServiceWorker.enable")
        data = payload if isinstance(payload, str) else json.dumps(payload)
        push = {"origin": origin, "registrationId": await asyncio.wait_for(known, PATIENCE), "data": data}
        await session.send("ServiceWorker.deliverPushMessage", push)
        await session.detach()

    async def shown(self) -> list[Any]:
        """The notifications that stand on the screen."""
        rows: list[Any] = await self.worker.evaluate(
            """async () => (await self.registration.getNotifications()).map((shown) => ({
                title: shown.title, body: shown.body, icon: shown.icon, image: shown.image, badge: shown.badge, tag: shown.tag,
                requireInteraction: shown.requireInteraction, actions: shown.actions.map(({action, title}) => ({action, title})),
            }))"""
        )
        return rows

    async def happen(self, *events: str, action: str = "", tag: str | None = None) -> Any:
        """`notificationclick` or `notificationclose`, or both, for a notification that is shown; waits for all that the worker does.

        Returns where it went: windows opened and tabs focused.
        """
        return await self.worker.evaluate(
            """async ([types, action, tag]) => {
                const went = [];
                self.clients.openWindow = async (url) => (went.push(['opened', url]), null);
                WindowClient.prototype.focus = async function () { went.push(['focused', this.url]); return this; };
                const [notification] = await self.registration.getNotifications(tag === null ? {} : {tag});
                const waits = [];
                for (const type of types) {
                    const happened = new NotificationEvent(type, {notification, action});
                    happened.waitUntil = (promise) => waits.push(promise);
                    self.dispatchEvent(happened);
                }
                await Promise.all(waits);
                return went;
            }""",
            [events, action, tag],
        )
