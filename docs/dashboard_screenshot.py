"""Draws docs/dashboard.png from made-up calls: `python -m docs.dashboard_screenshot`. The same picture at every run.

Needs Chromium on PATH, or Playwright's own (`playwright install chromium`). `--dark`, `--width` and `--to` give others.
"""

import argparse
import io
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
from PIL import Image
from playwright.async_api import Browser, async_playwright

from delegate_mcp.cli.running import opened_app
from delegate_mcp.dashboard.serving import DashboardServer
from delegate_mcp.dispatch.clock import Clock
from docs.dashboard_demo import NOW, fill

PICTURE = Path(__file__).with_name("dashboard.png")
PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
COLOURS = 256
_FLAGS = ("--disable-gpu", "--disable-background-networking", "--disable-component-update", "--no-first-run")


@asynccontextmanager
async def chromium() -> AsyncGenerator[Browser]:
    """A headless Chromium of this machine. Playwright's Error: there is none."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    # Chromium's sandbox refuses to run for root, as whom containers run.
    flags = [*_FLAGS, "--no-sandbox"] if getattr(os, "geteuid", lambda: 1)() == 0 else [*_FLAGS]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=flags)
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def _served(home: Path) -> AsyncGenerator[str]:
    """The page over that home, at the time of the made-up calls."""
    for name in list(os.environ):
        if name.startswith("DELEGATE_MCP_") or name.endswith(("_API_KEY", "_TOKEN")):
            del os.environ[name]
    os.environ |= {"DELEGATE_MCP_HOME": str(home), "GROQ_API_KEY": "made-up", "GEMINI_API_KEY": "made-up"}
    async with opened_app() as app:
        server = DashboardServer(replace(app, clock=Clock(now=lambda: NOW)), "picture")
        with socket.create_server(("127.0.0.1", 0)) as listening:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(server.serve_on, listening)
                yield f"http://127.0.0.1:{listening.getsockname()[1]}/picture/#30d"
                server.end()


async def draw(to: Path, *, width: int, dark: bool) -> None:
    """Fill a home, open the page, take its picture."""
    with tempfile.TemporaryDirectory() as folder:
        await fill(Path(folder))
        async with _served(Path(folder)) as address, chromium() as browser:
            page = await browser.new_page(
                viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
            )
            await page.goto(address)
            await page.locator("#batches-title").wait_for()
            whole = await page.screenshot(full_page=True)
    with Image.open(io.BytesIO(whole)) as picture:
        # Flat colours: a palette looks the same in a third of the bytes.
        picture.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            to, optimize=True
        )


def main() -> None:
    """Read the options and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, default=PICTURE, help="default: docs/dashboard.png")
    parser.add_argument("--width", type=int, default=1240, help="of the window, in pixels; default: 1240")
    parser.add_argument("--dark", action="store_true")
    options = parser.parse_args()
    anyio.run(lambda: draw(options.to, width=options.width, dark=options.dark))


if __name__ == "__main__":
    main()
