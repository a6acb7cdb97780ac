"""Notifications of a Firefox without a window: it draws them itself (`alerts.useSystemBackend` is off), one small window for each."""

from typing import Final, NamedTuple

from tests.browsers.marionette import Marionette

_FIND: Final = """
const [title, act] = arguments;
const label = found => found.document.getElementById("alertTitleLabel").getAttribute("value");
const isIt = found => found.gIsActive && label(found) === title;
const seen = () => [...Services.wm.getEnumerator("alert:alert")].find(isIt);
const found = seen() ?? await new Promise(resolve => {
  const opened = {observe(window, topic) {
    // the window is there before its content is
    if (topic === "domwindowopened") window.addEventListener("AlertActive", () => {
      if (!isIt(window)) return;
      Services.ww.unregisterNotification(opened);
      resolve(window);
    }, {capture: true});
  }};
  Services.ww.registerNotification(opened);
  for (const window of Services.wm.getEnumerator("alert:alert")) opened.observe(window, "domwindowopened");
});
const told = {
  title,
  text: found.document.getElementById("alertTextLabel").textContent,
  origin: found.document.getElementById("alertSourceLabel").getAttribute("value"),
};
if (act === "click") found.document.getElementById("alertBox").click();
if (act === "close") found.document.getElementById("alert-close").doCommand();
return told;
"""


class Shown(NamedTuple):
    """What a person sees."""

    title: str
    text: str
    origin: str
    """The line that says which site it is from."""


async def shown(browser: Marionette, title: str) -> Shown:
    """The notification with this title, as soon as it is there."""
    return await _find(browser, title, None)


async def click(browser: Marionette, title: str) -> Shown:
    """Click it, as soon as it is there."""
    return await _find(browser, title, "click")


async def close(browser: Marionette, title: str) -> Shown:
    """Close it by its button, as soon as it is there."""
    return await _find(browser, title, "close")


async def _find(browser: Marionette, title: str, act: str | None) -> Shown:
    async with browser.chrome():
        return Shown(**await browser.run(_FIND, title, act))
