"""To whom the delivery client connects: addresses, names, the guard, TLS."""

import asyncio
import socket

import pytest

from clarion.delivery.errors import Blocked, ConnectFailed, TimedOut
from clarion.delivery.guard import Guard
from clarion.delivery.http1 import HttpClient
from clarion.delivery.resolver import Resolver

from .authority import Authority
from .conftest import Build
from .receiver import receiving


def names(**known: tuple[str, ...]) -> Resolver:
    async def lookup(host: str) -> tuple[str, ...]:
        return known.get(host.removesuffix(".example"), ())

    return Resolver(lookup=lookup)


async def test_nobody_listening_is_a_failed_connection(client: HttpClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectFailed, match="refused"):
            await client.request("GET", f"http://127.0.0.1:{unused.getsockname()[1]}/")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "2130706433", "0x7f.1"]
)
async def test_the_guard_stands_before_every_form_of_a_private_address(build: Build, host: str) -> None:
    async with receiving() as receiver:
        with pytest.raises(Blocked):
            await build(guard=Guard()).request("GET", f"http://{host}:{receiver.port}/")
    assert receiver.connections == 0


async def test_a_name_that_resolves_to_a_private_address_is_blocked(build: Build) -> None:
    client = build(guard=Guard(), resolver=names(rebound=("127.0.0.1", "::1", "fe80::1%lo")))
    async with receiving() as receiver:
        with pytest.raises(Blocked, match="loopback"):
            await client.request("GET", f"http://rebound.example:{receiver.port}/")
    assert receiver.connections == 0


async def test_of_several_addresses_only_the_permitted_are_tried_until_one_answers(build: Build) -> None:
    client = build(resolver=names(several=("169.254.169.254", "127.0.0.2", "127.0.0.1")))
    async with receiving() as receiver:
        response = await client.request("GET", f"http://several.example:{receiver.port}/")
    assert response.status == 200
    assert receiver.requests[0].header("host") == f"several.example:{receiver.port}"


async def test_a_name_that_does_not_resolve_is_a_failed_connection(build: Build) -> None:
    with pytest.raises(ConnectFailed, match="does not resolve"):
        await build(resolver=names()).request("GET", "http://nowhere.example/")


async def test_a_resolver_that_says_nothing_costs_the_connect_timeout(build: Build) -> None:
    async def lookup(_: str) -> tuple[str, ...]:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(TimedOut, match="not resolved"):
        await build(connect_timeout=0.03, resolver=Resolver(lookup=lookup)).request("GET", "http://slow.example/")


async def test_a_server_that_accepts_nobody_costs_the_connect_timeout(build: Build) -> None:
    client = build(connect_timeout=0.05)
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        url = f"http://127.0.0.1:{full.getsockname()[1]}/"
        with socket.create_connection(full.getsockname()), pytest.raises(TimedOut, match="no connection"):
            await client.request("GET", url)


async def test_tls_verifies_the_name_and_sends_it(build: Build, authority: Authority) -> None:
    seen: list[str | None] = []
    server = authority.server("shop.example")
    server.sni_callback = lambda _socket, name, _context: seen.append(name)
    client = build(resolver=names(shop=("127.0.0.1",)), tls=authority.client())
    async with receiving(tls=server) as receiver:
        for _ in range(2):
            response = await client.request("POST", f"https://shop.example:{receiver.port}/hook", (), b"x")
            assert response.body == b"ok"
    assert seen == ["shop.example"]
    assert receiver.connections == 1


async def test_a_certificate_for_another_name_is_a_failed_connection(build: Build, authority: Authority) -> None:
    client = build(resolver=names(other=("127.0.0.1",)), tls=authority.client())
    async with receiving(tls=authority.server("shop.example")) as receiver:
        with pytest.raises(ConnectFailed, match="TLS failed"):
            await client.request("GET", f"https://other.example:{receiver.port}/")
    assert not receiver.requests


async def test_an_authority_that_the_machine_does_not_trust_is_a_failed_connection(build: Build, authority: Authority) -> None:
    client = build(resolver=names(shop=("127.0.0.1",)))
    async with receiving(tls=authority.server("shop.example")) as receiver:
        with pytest.raises(ConnectFailed, match="TLS failed"):
            await client.request("GET", f"https://shop.example:{receiver.port}/")


async def test_a_server_without_tls_is_a_failed_connection(build: Build, authority: Authority) -> None:
    async def speak_first(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ESMTP\r\n")
        writer.close()

    server = await asyncio.start_server(speak_first, "127.0.0.1", 0)
    with pytest.raises(ConnectFailed):
        await build(tls=authority.client()).request("GET", f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()
    await server.wait_closed()
