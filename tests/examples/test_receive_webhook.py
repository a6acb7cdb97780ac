"""`examples/receive-webhook`: takes what Clarion signed and nothing else."""

import asyncio
import importlib.util
import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook
from tests.e2e.server import Api, Server, unique
from tests.examples.conftest import EXAMPLES, running
from tests.server.client import Client, request

FILE = "receive-webhook/verify.py"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NOW = 1_795_000_000
BODY = b'{"n": 1}'


@pytest.fixture(scope="module")
def verify() -> Callable[..., str]:
    """The example's function; it raises an error called NotClarions."""
    spec = importlib.util.spec_from_file_location("verify", EXAMPLES / FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., str] = module.verify
    return function


def signed(at: int = NOW, body: bytes = BODY, message: str = "m1") -> dict[str, str]:
    """Headers of a request as the standard's own library signs it."""
    signature = Webhook(SECRET).sign(message, datetime.fromtimestamp(at, UTC), body.decode())
    return {"webhook-id": message, "webhook-timestamp": str(at), "webhook-signature": signature}


def refused(verify: Callable[..., str], headers: dict[str, str], body: bytes = BODY) -> str:
    with pytest.raises(Exception) as problem:  # noqa: PT011  # its class lives in the example
        verify(SECRET, headers, body, NOW)
    assert type(problem.value).__name__ == "NotClarions"
    return str(problem.value)


def test_it_takes_what_the_standards_library_signed(verify: Callable[..., str]) -> None:
    assert verify(SECRET, signed(), BODY, NOW) == "m1"
    two = signed() | {"webhook-signature": f"v1,{'A' * 43}= {signed()['webhook-signature']}"}
    assert verify(SECRET, two, BODY, NOW) == "m1"


@pytest.mark.parametrize("at", [NOW - 300, NOW + 300])
def test_it_takes_five_minutes(verify: Callable[..., str], at: int) -> None:
    assert verify(SECRET, signed(at), BODY, NOW) == "m1"


@pytest.mark.parametrize("at", [NOW - 301, NOW + 301])
def test_it_refuses_a_second_more(verify: Callable[..., str], at: int) -> None:
    assert refused(verify, signed(at)) == "the request is too old or from the future"


@pytest.mark.parametrize(
    "change",
    [{"webhook-id": "m2"}, {"webhook-timestamp": str(NOW + 1)}, {"webhook-signature": "v1,AAAA"}, {"webhook-signature": "v1,ä"}],
    ids=["id", "timestamp", "signature", "no ASCII"],
)
def test_it_refuses_what_was_changed(verify: Callable[..., str], change: dict[str, str]) -> None:
    assert refused(verify, signed() | change) == "the signature is wrong"


def test_it_refuses_another_body(verify: Callable[..., str]) -> None:
    assert refused(verify, signed(), BODY + b" ") == "the signature is wrong"


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
@pytest.mark.parametrize("value", [None, "", "-"])
def test_it_refuses_what_is_not_signed(verify: Callable[..., str], name: str, value: str | None) -> None:
    headers = signed()
    headers.pop(name)
    if value is not None:
        headers[name] = value
    assert refused(verify, headers) in {"the request is not signed", "the signature is wrong"}


class Shop:
    """The example as a running process."""

    def __init__(self, lines: asyncio.StreamReader, port: int) -> None:
        self.lines, self.port = lines, port

    async def line(self) -> str:
        """The next thing that it says."""
        async with asyncio.timeout(15):
            return (await self.lines.readline()).decode().strip()


@pytest.fixture
async def shop(server: Server) -> AsyncIterator[Shop]:
    """With the secret that `clarion sites show` prints."""
    site = await server.run("sites", "show")
    async with running("python3", FILE, "0", CLARION_WEBHOOK_SECRET=site["webhook_secret"]) as process:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line.startswith("listening on http://127.0.0.1:")
        yield Shop(process.stdout, int(line.rpartition(":")[2]))


async def test_it_receives_what_a_workflow_sends(server: Server, api: Api, shop: Shop) -> None:
    event, person = unique("go"), unique("ann")
    step = {"id": "tell", "http": {"url": f"http://127.0.0.1:{shop.port}/", "body": {"who": "{{ profile.id }}"}}}
    await server.apply({"workflow": unique("tell"), "start": {"on": [{"event": event}]}, "steps": [step]})
    await api.accept(event, profile_id=person)
    said, message, body = (await shop.line()).split(" ", 2)
    assert (said, json.loads(body)) == ("received:", {"who": person})
    profile: Any = await api.profile_when(person, lambda seen: [row["status"] for row in seen["deliveries"]] == ["sent"])
    assert message == profile["deliveries"][0]["delivery_id"]


async def test_it_refuses_anybody_elses_request(shop: Shop) -> None:
    client = await Client.connect("127.0.0.1", shop.port)
    try:
        headers = [f"{name}: {value}" for name, value in signed(int(datetime.now(UTC).timestamp())).items()]
        answer = await client.ask(request("POST", "/", BODY, *headers))
    finally:
        client.close()
    assert answer.status == 401
    assert await shop.line() == "refused: the signature is wrong"
