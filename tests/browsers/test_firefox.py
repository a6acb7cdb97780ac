"""Firefox starts, does what it is told, and leaves nothing behind."""

import stat
from pathlib import Path

import pytest
from tests.browsers.firefox import firefox, push_preferences
from tests.browsers.marionette import BrowserError
from tests.browsers.notifications import close, shown
from tests.browsers.pages import File, site
from tests.installed import installed
from tests.push_service.service import pushing

PAGE = File("text/html", "<!doctype html><html lang=en><meta charset=utf-8><title>A page</title></html>")
WORKER = File(
    "text/javascript",
    """
    self.addEventListener("notificationclose", event => {
      event.waitUntil(fetch("/closed", {method: "POST", body: event.notification.tag}));
    });
    """,
)
SHOW = """
    await navigator.serviceWorker.register("/worker.js");
    const registration = await navigator.serviceWorker.ready;
    await registration.showNotification(arguments[0], {body: arguments[1], tag: "t", requireInteraction: true});
"""


def processes_of(place: Path) -> list[int]:
    """Processes whose command line names a directory."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                line = (process / "cmdline").read_bytes()
            except OSError:
                continue
            if str(place).encode() in line:
                found.append(int(process.name))
    return found


async def test_a_notification_is_shown_and_closed(tmp_path: Path) -> None:
    program = installed("firefox-esr", "a notification of a real browser")
    place = tmp_path / "firefox"
    async with (
        site({"/": PAGE, "/worker.js": WORKER}) as pages,
        pushing() as service,
        firefox(program, place, push_preferences(service.browser_url)) as browser,
    ):
        assert processes_of(place)
        await browser.go(f"{pages.origin}/?one")
        assert await browser.run("return [document.title, ...arguments]", "ě", 7) == ["A page", "ě", 7]
        with pytest.raises(BrowserError, match="TypeError: no"):
            await browser.run("throw new TypeError('no')")
        with pytest.raises(BrowserError):
            await browser.go("http://localhost:1/")

        await browser.go(pages.origin)
        await browser.run(SHOW, "<b>Title</b>", "<i>text</i>")
        seen = await shown(browser, "<b>Title</b>")
        assert (seen.text, seen.origin) == ("<i>text</i>", f"via localhost:{pages.port}")
        await close(browser, "<b>Title</b>")
        assert (await pages.visit(lambda visit: visit.path == "/closed")).body == "t"
    assert processes_of(place) == []


async def test_a_firefox_that_does_not_start_says_why(tmp_path: Path) -> None:
    program = tmp_path / "broken"
    program.write_text("#!/bin/sh\necho it is broken >&2\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    with pytest.raises(RuntimeError, match="it is broken"):
        async with firefox(str(program), tmp_path / "place", {}):
            pytest.fail("it runs")
