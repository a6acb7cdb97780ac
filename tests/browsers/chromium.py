"""Debian's Chromium without a window, driven by Playwright."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import Browser, async_playwright

ARGUMENTS: Final = (
    # one process for all tabs of a site and its worker, which is there already when a test opens the next
    "--process-per-site",
    "--disable-gpu",
    "--in-process-gpu",
    # whatever is not on this machine goes to a proxy that is not there: nothing leaves it
    "--proxy-server=127.0.0.1:9",
)


@asynccontextmanager
async def chromium(program: str) -> AsyncIterator[Browser]:
    """A browser that is there during the block."""
    # its sandbox refuses to work for root
    arguments = [*ARGUMENTS, "--no-sandbox"] if os.geteuid() == 0 else ARGUMENTS
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(arguments))
        yield browser
        await browser.close()
