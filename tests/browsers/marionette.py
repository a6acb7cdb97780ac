"""A client of Marionette, Firefox's own remote control: length-prefixed JSON over TCP, one answer for each command."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

PATIENCE: Final = 30.0
"""Seconds for one command; none waits for them to pass."""
ANSWER_BYTES: Final = 4 * 1024 * 1024
_PROTOCOL: Final = 3
_COMMAND: Final = 0
_LENGTH_DIGITS: Final = 10


class BrowserError(Exception):
    """The browser could not do it: `error`, `message` and the stack of the script."""


class Marionette:
    """One session. Commands go out one at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._last = 0
        self._turn = asyncio.Lock()

    @classmethod
    @asynccontextmanager
    async def session(cls, port: int) -> AsyncIterator["Marionette"]:
        """A session, during the block, with the browser whose Marionette listens there; the browser goes on afterwards."""
        made = cls(*await asyncio.open_connection("127.0.0.1", port))
        try:
            async with asyncio.timeout(PATIENCE):
                greeting = await made._read()
            assert greeting["marionetteProtocol"] == _PROTOCOL, greeting
            await made.send("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"timeouts": {"script": int(PATIENCE * 1000)}}}})
            yield made
        finally:
            made._writer.close()
            with suppress(ConnectionError):
                await made._writer.wait_closed()

    async def send(self, command: str, parameters: dict[str, Any] | None = None) -> Any:
        """The result of a command. Raises BrowserError."""
        async with self._turn, asyncio.timeout(PATIENCE):
            self._last += 1
            raw = json.dumps([_COMMAND, self._last, command, parameters or {}]).encode()
            self._writer.write(b"%d:%b" % (len(raw), raw))
            await self._writer.drain()
            _, answered, error, result = await self._read()
            assert answered == self._last, f"an answer to {answered}, not to {self._last}"
        if error is not None:
            raise BrowserError(f"{error['error']}: {error['message']}\n{error['stacktrace']}")
        return result

    async def go(self, url: str) -> None:
        """Open a page and wait until it has loaded."""
        await self.send("WebDriver:Navigate", {"url": url})

    async def run(self, body: str, *arguments: object) -> Any:
        """Run the body of an async function in the page; `arguments` is what it is called with. Raises BrowserError if it throws."""
        script = (
            "const done = arguments[arguments.length - 1], given = [...arguments].slice(0, -1);"
            f"(async (...arguments) => {{ {body} }})(...given).then(value => done([value ?? null, null]),"
            " error => done([null, String(error) + '\\n' + (error && error.stack)]));"
        )
        answer = await self.send("WebDriver:ExecuteAsyncScript", {"script": script, "args": list(arguments), "newSandbox": True})
        value, error = answer["value"]
        if error is not None:
            raise BrowserError(error)
        return value

    async def press(self, selector: str) -> None:
        """Click the element that a CSS selector finds, as a person does: the page may do what it may do within a click only."""
        found = await self.send("WebDriver:FindElement", {"using": "css selector", "value": selector})
        # WebDriver §11.2: the reference is the only value, under a name that is fixed
        (reference,) = found["value"].values()
        await self.send("WebDriver:ElementClick", {"id": reference})

    @asynccontextmanager
    async def chrome(self) -> AsyncIterator[None]:
        """In the block, scripts run with the browser's own privileges, not in the page."""
        await self.send("Marionette:SetContext", {"value": "chrome"})
        try:
            yield
        finally:
            await self.send("Marionette:SetContext", {"value": "content"})

    async def _read(self) -> Any:
        prefix = (await self._reader.readuntil(b":"))[:-1]
        assert prefix.isdigit(), prefix
        assert len(prefix) <= _LENGTH_DIGITS, prefix
        assert int(prefix) <= ANSWER_BYTES, prefix
        return json.loads(await self._reader.readexactly(int(prefix)))
