"""(n) One message to very many subscribers: how fast it goes out to a push service on the same machine, and in how much memory.

One subscriber is registered as a browser would, and SQL copies its rows under other names; every copy has an endpoint of its own and the
same keys, which costs the sender as much as others would.
"""

import asyncio
import base64
import os
import urllib.request
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import apsw
import msgspec
import uvloop
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.instance import Instance, Server
from bench.plan import Plan
from bench.progress import say
from bench.push_results import Broadcast, Tenth
from bench.push_sink import Taken, listen
from bench.usage import most_resident, resident
from clarion.delivery.guard import Guard
from clarion.delivery.http1 import HttpClient
from clarion.delivery.webpush import encrypt_fresh

_SECONDS: Final = 3600.0
_CONCURRENT: Final = 64
"""Pushes under way of the client alone."""
_PUSH: Final = {"title": "Sale", "message": "Everything must go, until Sunday at noon.", "url": "https://shop.example/sale"}
_PAYLOAD: Final = msgspec.json.encode({**_PUSH, "id": "0" * 32, "tag": "0" * 32, "token": "0" * 60})
_COPIES: Final = """
INSERT INTO {table} SELECT {columns} FROM {table}, (
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count - 1) SELECT n FROM numbers
)
"""


def run(plan: Plan, directory: Path) -> Broadcast:
    """Measure. Raises ChildFailed, TimeoutError."""
    place = directory / "broadcast"
    place.mkdir()
    return uvloop.run(_measure(plan, place))


async def _measure(plan: Plan, place: Path) -> Broadcast:
    count = plan.broadcast.subscribers
    taken = Taken(count)
    sink = await listen(taken)
    port = sink.sockets[0].getsockname()[1]
    p256dh, auth = _keys()
    instance = Instance(place)
    key = instance.admin_key()
    with instance.serve() as server:
        await asyncio.to_thread(_register, server, key, f"http://127.0.0.1:{port}/push/0", p256dh, auth)
    _multiply(instance.data / "clarion.db", count)
    client_rate = await _client_alone(plan.broadcast.alone, p256dh, auth)
    pywebpush_rate = await asyncio.to_thread(_pywebpush, port, plan.broadcast.pywebpush, p256dh, auth, place)
    taken = Taken(count)
    sink.close()
    sink = await listen(taken)
    _point_at(instance.data / "clarion.db", port, sink.sockets[0].getsockname()[1])
    with instance.serve() as server:
        before, used, began = resident(server.pid), server.cpu(), perf_counter()
        await asyncio.to_thread(_ask, server, key, "POST", "/api/v1/broadcasts", {"to": "everybody", "push": _PUSH})
        tenths = []
        for number in range(1, 11):
            await taken.wait_for(count * number // 10, _SECONDS)
            tenths.append(Tenth(perf_counter() - began, resident(server.pid)))
            if count >= 100_000:
                say(f"    {taken.reached:,} of {count:,} after {tenths[-1].seconds:.0f} s, {tenths[-1].memory / 1e6:.0f} MB")
        measured = Broadcast(
            subscribers=count,
            seconds=tenths[-1].seconds,
            cpu_seconds=server.cpu() - used,
            tenths=tenths,
            before=before,
            most=most_resident(server.pid),
            repeated=taken.repeated,
            client_rate=client_rate,
            pywebpush_rate=pywebpush_rate,
        )
    sink.close()
    say(
        f"(n) {count:,} subscribers: {count / measured.seconds:,.0f} pushes/s, {measured.most / 1e6:.0f} MB at most; "
        f"the client alone: {client_rate:,.0f}/s, pywebpush: {pywebpush_rate:,.0f}/s"
    )
    return measured


def _keys() -> tuple[str, str]:
    """Of a subscription."""
    point = ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return _base64url(point), _base64url(os.urandom(16))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _register(server: Server, key: str, endpoint: str, p256dh: str, auth: str) -> None:
    """One subscriber, and wait until the engine has it."""
    subscription = {"endpoint": endpoint, "keys": {"p256dh": p256dh, "auth": auth}}
    device = _ask(server, key, "POST", "/api/v1/subscribers", {"subscription": subscription})["device_token_hash"]
    while True:
        try:
            _ask(server, key, "GET", f"/api/v1/subscribers/{device}", None)
        except urllib.error.HTTPError as error:
            if error.code != 404:
                raise
        else:
            return


def _ask(server: Server, key: str, method: str, path: str, body: object) -> Any:
    data = None if body is None else msgspec.json.encode(body)
    headers = {"Api-Key": key, "Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{server.port}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        return msgspec.json.decode(response.read())["data"]


def _multiply(file: Path, count: int) -> None:
    """Copies of the one subscriber and its profile."""
    named = {
        "profiles": {"key": "\"key\" || printf('-%08x', n)"},
        "subscribers": {
            "device_token_hash": "device_token_hash || printf('-%08x', n)",
            "profile": "profile || printf('-%08x', n)",
            "endpoint": "rtrim(endpoint, '0123456789') || n",
        },
    }
    with closing(apsw.Connection(str(file))) as database:
        for table, other in named.items():
            columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
            taken = ", ".join(other.get(column, f'"{column}"') for column in columns)
            database.execute(_COPIES.format(table=table, columns=taken), {"count": count})


def _point_at(file: Path, old: int, new: int) -> None:
    with closing(apsw.Connection(str(file))) as database:
        database.execute("UPDATE subscribers SET endpoint = replace(endpoint, :old, :new)", {"old": f":{old}/", "new": f":{new}/"})


async def _client_alone(count: int, p256dh: str, auth: str) -> float:
    """Pushes a second of the delivery's client, with nothing behind it."""
    taken = Taken(count)
    sink = await listen(taken)
    url = f"http://127.0.0.1:{sink.sockets[0].getsockname()[1]}/push/"
    client = HttpClient(Guard(dangerous_allow_private_targets=True))
    body = encrypt_fresh(_PAYLOAD, p256dh, auth)
    headers = [
        (b"content-encoding", b"aes128gcm"),
        (b"ttl", b"2419200"),
        (b"urgency", b"normal"),
        (b"authorization", b"vapid t=" + b"x" * 250),
    ]
    numbers = iter(range(count))

    async def send() -> None:
        for number in numbers:
            await client.request("POST", f"{url}{number}", headers, body)

    began = perf_counter()
    await asyncio.gather(*(send() for _ in range(_CONCURRENT)))
    seconds = perf_counter() - began
    await client.close()
    sink.close()
    return count / seconds


def _pywebpush(port: int, count: int, p256dh: str, auth: str, place: Path) -> float:
    """Pushes a second of the usual library, one after the other over one connection."""
    import requests
    from py_vapid import Vapid02  # type: ignore[import-untyped]  # it carries no types
    from pywebpush import webpush  # type: ignore[import-untyped]  # as above

    vapid = Vapid02()
    vapid.generate_keys()
    vapid.save_key(str(place / "vapid.pem"))
    with requests.Session() as session:
        began = perf_counter()
        for number in range(count):
            subscription = {"endpoint": f"http://127.0.0.1:{port}/push/{number}", "keys": {"p256dh": p256dh, "auth": auth}}
            webpush(subscription, _PAYLOAD, vapid, {"sub": "mailto:bench@example.com"}, ttl=60, requests_session=session)
        return count / (perf_counter() - began)
