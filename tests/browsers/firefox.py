"""Firefox ESR without a window, with a fresh profile, driven by Marionette."""

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from tests.browsers.marionette import Marionette

START: Final = 60.0
"""Seconds that Firefox has to begin listening, on a machine that is busy with other tests."""
END: Final = 15.0
_LINE_BYTES: Final = 1024 * 1024
_listening = re.compile(rb"Marionette\s+INFO\s+Listening on port (\d+)").search

Preference = str | int | bool

QUIET: Final[Mapping[str, Preference]] = {
    # whatever is not on this machine goes to a proxy that is not there: nothing leaves it
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 9,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 9,
    "network.proxy.allow_bypass": False,
    "network.proxy.failover_direct": False,
    # and what a browser does by itself when it starts does not keep it busy
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.newtabpage.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.server": "",
    # a port of its own choice, which it tells
    "marionette.port": 0,
    "remote.log.level": "Info",
}


def push_preferences(service_url: str) -> dict[str, Preference]:
    """Preferences with which pushes come from a service of this machine, and notifications need nobody's consent."""
    return {
        "dom.push.serverURL": service_url,
        # which Marionette turns off where nobody turns it on
        "dom.push.connection.enabled": True,
        "dom.push.testing.allowInsecureServerURL": True,
        "dom.push.retryBaseInterval": 50,
        "permissions.default.desktop-notification": 1,
        # windows of the browser's own, which a test can click, and no desktop's notification service
        "alerts.useSystemBackend": False,
        # without animations these windows close at once
        "ui.prefersReducedMotion": 1,
    }


@asynccontextmanager
async def firefox(program: str, place: Path, preferences: Mapping[str, Preference]) -> AsyncIterator[Marionette]:
    """A Firefox that runs during the block; `place` is an empty directory for what it writes. Its processes are gone afterwards."""
    profile = place / "profile"
    profile.mkdir(parents=True)
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in {**QUIET, **preferences}.items()]
    (profile / "user.js").write_text("\n".join(lines))
    process = await asyncio.create_subprocess_exec(
        program,
        "--headless",
        "--no-remote",
        "--marionette",
        # scripts with the browser's own privileges: clicks on notifications need them
        "--remote-allow-system-access",
        "--profile",
        str(profile),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=_environment(place),
        limit=_LINE_BYTES,
        start_new_session=True,
    )
    log = Log(process)
    try:
        async with Marionette.session(await log.port()) as driver:
            yield driver
    finally:
        await log.end()


class Log:
    """A process of Firefox, and what it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._lines: list[bytes] = []
        self._reading = asyncio.create_task(self._read())

    async def port(self) -> int:
        """Where its Marionette listens, as soon as it says so."""
        async with asyncio.timeout(START):
            return await self._port

    async def end(self) -> None:
        """Kill it with all processes that it started: nothing of its profile is needed any more."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        async with asyncio.timeout(END):
            await self._reading
        if not self._port.done():
            self._port.cancel()

    async def _read(self) -> None:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            # only its first words matter
            if len(self._lines) < 200:
                self._lines.append(line)
            told = _listening(line)
            if told is not None and not self._port.done():
                self._port.set_result(int(told[1]))
        if not self._port.done():
            self._port.set_exception(RuntimeError(f"Firefox ended: {b''.join(self._lines).decode(errors='replace')}"))


def _environment(place: Path) -> dict[str, str]:
    """Nothing of this process's that changes a browser, and a home of its own."""
    kept = {name: value for name, value in os.environ.items() if name in {"PATH", "LANG", "LC_ALL", "TZ", "TMPDIR"}}
    home = place / "home"
    home.mkdir()
    return {**kept, "HOME": str(home), "MOZ_HEADLESS": "1", "MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_DISABLE_AUTO_SAFE_MODE": "1"}
