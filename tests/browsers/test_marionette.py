"""The client of Marionette, against a browser that says what a test wants."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from tests.browsers.marionette import ANSWER_BYTES, BrowserError, Marionette

Reply = Callable[[str, dict[str, Any]], tuple[object, object]]
"""From a command and its parameters to error and result."""


def frame(message: object) -> bytes:
    """As both sides send it."""
    raw = json.dumps(message).encode()
    return b"%d:%b" % (len(raw), raw)


@asynccontextmanager
async def driving(reply: Reply, greeting: object = None) -> AsyncIterator[Marionette]:
    """A session with such a browser."""
    told = frame(greeting or {"applicationType": "gecko", "marionetteProtocol": 3})

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # a message may come in pieces
        writer.write(told[:7])
        await writer.drain()
        writer.write(told[7:])
        with suppress(asyncio.IncompleteReadError):
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                kind, number, command, parameters = json.loads(await reader.readexactly(length))
                assert kind == 0
                answer = (None, {}) if command == "WebDriver:NewSession" else reply(command, parameters)
                writer.write(answer[1] if isinstance(answer[1], bytes) else frame([1, number, *answer]))
        writer.close()

    async with (
        await asyncio.start_server(serve, "127.0.0.1", 0) as server,
        Marionette.session(server.sockets[0].getsockname()[1]) as driver,
    ):
        yield driver


async def test_commands_have_their_results() -> None:
    async with driving(lambda command, parameters: (None, {"value": [command, parameters, "ě"]})) as driver:
        answers = await asyncio.gather(*(driver.send("Some:Thing", {"number": number}) for number in range(3)))
        assert answers == [{"value": ["Some:Thing", {"number": number}, "ě"]} for number in range(3)]


async def test_what_the_browser_cannot_do_is_an_error() -> None:
    error = {"error": "unknown command", "message": "no such thing", "stacktrace": "there"}
    async with driving(lambda *_: (error, None)) as driver:
        with pytest.raises(BrowserError, match="unknown command: no such thing\nthere"):
            await driver.send("Some:Thing")


async def test_a_script_that_throws_is_an_error() -> None:
    async with driving(lambda *_: (None, {"value": [None, "TypeError: no"]})) as driver:
        with pytest.raises(BrowserError, match="TypeError: no"):
            await driver.run("throw new TypeError('no')")


async def test_privileges_end_with_their_block() -> None:
    contexts = []

    def reply(command: str, parameters: dict[str, Any]) -> tuple[object, object]:
        contexts.append((command, parameters.get("value")))
        return None, {}

    async with driving(reply) as driver:
        with pytest.raises(ZeroDivisionError):
            async with driver.chrome():
                raise ZeroDivisionError
    assert contexts == [("Marionette:SetContext", "chrome"), ("Marionette:SetContext", "content")]


@pytest.mark.parametrize("answer", [b"x:{}", b"99999999999:{}", b"%d:" % (ANSWER_BYTES + 1), frame([1, 999, None, {}])])
async def test_an_answer_that_cannot_be_one_is_refused(answer: bytes) -> None:
    async with driving(lambda *_: (None, answer)) as driver:
        with pytest.raises(AssertionError):
            await driver.send("Some:Thing")


async def test_only_the_protocol_that_is_spoken_here_is_taken() -> None:
    with pytest.raises(AssertionError):
        async with driving(lambda *_: (None, {}), {"applicationType": "gecko", "marionetteProtocol": 2}):
            pytest.fail("connected")
