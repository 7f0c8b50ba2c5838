"""The dashboard's page in a real Chromium: by mouse and keyboard, light and dark, live, and inside a host's frame."""

import json
import os
import re
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx
import pytest
from anyio.streams.text import TextReceiveStream
from mcp.client import Client
from mcp_types import TextResourceContents
from playwright.async_api import BrowserContext, ConsoleMessage, Error, Page, Request, expect
from starlette.applications import Starlette
from starlette.requests import Request as HttpRequest
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from delegate_mcp.holder import AppHolder
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.server import build_server
from delegate_mcp.wiring import open_app
from docs.dashboard_demo import fill
from docs.dashboard_screenshot import chromium
from tests.fakes.ledger_rows import asked, call_end, call_start, ended
from tests.fakes.loopback import loopback
from tests.fakes.person import become, environment

pytestmark = pytest.mark.hosts

PLOTS = ("tokens", "savings", "calls", "latency", "routes", "cost")
SLOW_MS = 30_000
expect.set_options(timeout=SLOW_MS)


@dataclass(slots=True)
class Watched:
    """A page, and all that went wrong on it or left its own server."""

    page: Page
    wrong: list[str] = field(default_factory=list[str])
    asked: list[str] = field(default_factory=list[str])

    def watch(self) -> None:
        def console(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"}:
                self.wrong.append(message.text)

        def request(request: Request) -> None:
            self.asked.append(request.url)

        self.page.on("console", console)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("request", request)


@asynccontextmanager
async def browsing(**options: object) -> AsyncGenerator[Watched]:
    try:
        async with chromium() as browser:
            context: BrowserContext = await browser.new_context(**options)  # pyright: ignore[reportArgumentType] - its options
            watched = Watched(await context.new_page())
            watched.watch()
            yield watched
            await context.close()
    except Error as error:
        if "Executable doesn't exist" in str(error):
            pytest.skip("no Chromium is installed: put `chromium` on PATH, or run `playwright install chromium`")
        raise


@dataclass(frozen=True, slots=True)
class Shown:
    """A dashboard that runs as a person starts it."""

    address: str
    home: Path

    async def write_call(self, call_id: str) -> None:
        """What another server writes when it has answered a call."""
        now = time.time()
        ledger = await SqliteLedger.open(self.home / "ledger.db")
        await ledger.begin_call(call_start(call_id, now - 3))
        await ledger.reserve(asked(call_id, at=now - 3))
        await ledger.settle(ended(call_id, at=now - 2))
        await ledger.end_call(call_end(call_id, now - 2))
        await ledger.aclose()


@asynccontextmanager
async def dashboard(tmp_path: Path, *, calls_a_day: int) -> AsyncGenerator[Shown]:
    env = environment(tmp_path) | {"GROQ_API_KEY": "gsk_dummy"}
    home = Path(env["DELEGATE_MCP_HOME"])
    if calls_a_day:
        await fill(home, time.time(), calls_a_day=calls_a_day)
    command = [sys.executable, "-m", "delegate_mcp", "dashboard", "--no-open"]
    async with await anyio.open_process(command, env=env, cwd=tmp_path, stderr=None) as process:
        assert process.stdout is not None
        try:
            with anyio.fail_after(60):
                yield Shown((await TextReceiveStream(process.stdout).receive()).strip(), home)
        finally:
            process.kill()


async def open_page(watched: Watched, address: str) -> Page:
    await watched.page.goto(address)
    await expect(watched.page.locator("#state")).to_have_text("Live")
    await expect(watched.page.locator("#cards .card").first).to_be_visible()
    return watched.page


async def values(page: Page) -> str:
    """The values that the focused mark shows and says."""
    said = await page.evaluate("document.activeElement.getAttribute('aria-label')")
    tip = page.locator("#tip")
    await expect(tip).to_be_visible()
    for word in re.findall(r"\d[\d,.]*(?<![,.])", said):
        await expect(tip).to_contain_text(word)
    return said


async def test_every_plot_is_drawn_from_the_servers_own_origin_without_an_error(tmp_path: Path) -> None:
    async with dashboard(tmp_path, calls_a_day=30) as shown, browsing() as watched:
        page = await open_page(watched, f"{shown.address}#30d")
        async with httpx.AsyncClient() as http:
            told = (await http.get(f"{shown.address}data?period=30d")).json()
        for plot in PLOTS:
            assert await page.locator(f"#{plot} svg .mark").count() >= 7, plot
        assert await page.locator("#tokens svg .mark").count() == 30
        await expect(page.locator(".figure").nth(2)).to_contain_text(f"tokens in {told['calls']['total']} calls")
        await expect(page.get_by_role("heading", name="Quotas now")).to_be_visible()
        await expect(page.locator(".window").first).to_contain_text("left this day")
        await expect(page.locator(".batch")).to_contain_text("140 of 200 items, 3 failed")
        await page.get_by_text("Today").click()
        await expect(page.locator("#footer")).to_contain_text("From")
        await expect(page.get_by_label("Today")).to_be_checked()
    assert watched.wrong == []
    assert {url.partition("/data")[0].rstrip("/") for url in watched.asked if "data:" not in url} <= {
        f"{shown.address}#30d".rstrip("/"),
        shown.address.rstrip("/"),
        f"{shown.address}events",
    }


async def test_the_keyboard_reaches_every_plot_tells_its_values_and_leaves_again(tmp_path: Path) -> None:
    async with dashboard(tmp_path, calls_a_day=30) as shown, browsing() as watched:
        page = await open_page(watched, f"{shown.address}#7d")
        reached: list[str] = []
        for _ in range(60):
            await page.keyboard.press("Tab")
            where = await page.evaluate("document.activeElement.closest('.card')?.id ?? document.activeElement.tagName")
            if await page.evaluate("document.activeElement.classList.contains('mark')"):
                reached.append(where)
                newest = await values(page)
                await page.keyboard.press("ArrowLeft" if where != "routes" else "ArrowRight")
                assert await values(page) != newest
                await page.keyboard.press("Escape")
                await expect(page.locator("#tip")).to_be_hidden()
            if where == "BODY":  # past the end, back in the browser
                break
        assert reached == [plot for plot in PLOTS if plot in reached]
        assert set(reached) >= set(PLOTS) - {"cost"}
        await page.locator("#tokens summary").press("Enter")
        rows = page.locator("#tokens tbody tr")
        assert await rows.count() == 7
        await expect(page.locator("#tokens thead th").last).to_have_text("all tokens")
    assert watched.wrong == []


async def test_a_call_of_another_server_appears_and_what_was_looked_at_stays(tmp_path: Path) -> None:
    async with dashboard(tmp_path, calls_a_day=10) as shown, browsing() as watched:
        page = await open_page(watched, f"{shown.address}#7d")
        delegated = page.locator(".figure").nth(2)
        before = int(re.sub(r"\D", "", (await delegated.locator(".note").inner_text())))
        await page.locator("#calls summary").click()
        await page.locator("#calls .mark").last.focus()
        said = await values(page)
        await shown.write_call("new")
        await expect(delegated).to_contain_text(f"tokens in {before + 1:,} calls")
        await expect(page.locator("#calls details")).to_have_attribute("open", "")
        after = await values(page)
        assert after != said
        assert after.partition(":")[0] == said.partition(":")[0]
    assert watched.wrong == []


async def test_nothing_is_asked_for_while_nothing_changes(tmp_path: Path) -> None:
    async with dashboard(tmp_path, calls_a_day=0) as shown, browsing() as watched:
        await watched.page.clock.install()
        page = await open_page(watched, shown.address)
        await shown.write_call("one")
        await expect(page.locator(".figure").nth(2)).to_contain_text("in 1 calls")
        await page.clock.fast_forward(30_000)  # less than the minute after which its window is full again
        await page.evaluate("fetch('data?period=all').then((answer) => answer.text())")
        asked_for = [url.rpartition("=")[2] for url in watched.asked if "/data" in url]
    assert asked_for[-1] == "all"
    assert 2 <= asked_for.count("7d") <= 3


async def test_dark_and_light_follow_the_system_until_the_reader_chooses(tmp_path: Path) -> None:
    async with dashboard(tmp_path, calls_a_day=5) as shown, browsing(color_scheme="dark") as watched:
        page = await open_page(watched, shown.address)

        async def back() -> str:
            return await page.evaluate("getComputedStyle(document.body).backgroundColor")

        dark = await back()
        theme = page.locator("#theme")
        await theme.click()
        await expect(theme).to_have_text("Theme: light")
        light = await back()
        assert dark != light
        await page.reload()
        await expect(theme).to_have_text("Theme: light")
        assert await back() == light
        await theme.press("Enter")
        await expect(theme).to_have_text("Theme: dark")
        assert await back() == dark
    assert watched.wrong == []


async def test_it_is_readable_on_a_phone_and_says_what_to_do_where_nothing_was_delegated(tmp_path: Path) -> None:
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    async with dashboard(tmp_path, calls_a_day=0) as shown, browsing(**phone) as watched:
        page = await open_page(watched, shown.address)
        await expect(page.get_by_text("Nothing was delegated yet")).to_be_visible()
        await expect(page.get_by_text("delegate-mcp ask")).to_be_visible()
        await expect(page.get_by_text("Ready to answer: groq")).to_be_visible()
        await shown.write_call("first")
        await expect(page.get_by_role("heading", name="Tokens by tier")).to_be_visible()
        await page.locator("#tokens .mark").last.tap()
        await expect(page.locator("#tip")).to_contain_text("120")
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert watched.wrong == []


async def test_a_page_whose_server_ended_says_so(tmp_path: Path) -> None:
    async with browsing() as watched:
        async with dashboard(tmp_path, calls_a_day=5) as shown:
            page = await open_page(watched, shown.address)
        await expect(page.locator("#state")).to_contain_text("Not connected")
        await expect(page.get_by_role("heading", name="Tokens by tier")).to_be_visible()


# --- In a host --------------------------------------------------------------------------------------------------------

APP_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; media-src 'self' data:; connect-src 'none'"
)
"""What the extension asks of hosts where a page declares no domains."""
HOST = """<!doctype html><title>host</title><link rel="icon" href="data:,">
<iframe src="/app" sandbox="allow-scripts" style="width:900px;height:300px"></iframe>
<script>
window.seen = [];
const frame = document.querySelector("iframe");
const tell = (message) => frame.contentWindow.postMessage({ jsonrpc: "2.0", ...message }, "*");
window.tell = tell;
const context = { theme: "dark", styles: { variables: { "--font-sans": "serif" } }, displayMode: "inline" };
const answers = {
  "ui/initialize": async () => ({ protocolVersion: "2026-01-26", hostInfo: { name: "test-host", version: "1" },
    hostCapabilities: { serverResources: {} }, hostContext: context }),
  "resources/read": async ({ uri }) => (await fetch(`/read?uri=${encodeURIComponent(uri)}`)).json(),
};
addEventListener("message", async ({ source, data }) => {
  if (source !== frame.contentWindow) return;
  window.seen.push(data);
  if (data.method === "ui/notifications/size-changed") frame.style.height = `${data.params.height}px`;
  if (data.id !== undefined && data.method) tell({ id: data.id, result: await answers[data.method](data.params) });
});
</script>"""


@asynccontextmanager
async def host_page(client: Client) -> AsyncGenerator[str]:
    """A host with the page in a frame of its own origin, which hands its requests on to a real server."""
    (content,) = (await client.read_resource("ui://delegate/budget")).contents
    assert isinstance(content, TextResourceContents)
    html = content.text

    async def host(_: HttpRequest) -> Response:
        return HTMLResponse(HOST)

    async def app(_: HttpRequest) -> Response:
        return HTMLResponse(html, headers={"Content-Security-Policy": APP_POLICY})

    async def read(request: HttpRequest) -> Response:
        found = await client.read_resource(request.query_params["uri"], cache_mode="bypass")
        return JSONResponse(found.model_dump(mode="json", by_alias=True, exclude_none=True))

    async with loopback(Starlette(routes=[Route("/", host), Route("/app", app), Route("/read", read)])) as address:
        yield address


async def test_a_host_shows_the_same_page_which_asks_it_for_resources_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    become(tmp_path, monkeypatch, PATH=os.environ["PATH"])
    home = Path(environment(tmp_path)["DELEGATE_MCP_HOME"])
    await fill(home, time.time(), calls_a_day=20)
    async with (
        AppHolder(open_app) as holder,
        Client(build_server(holder)) as client,
        host_page(client) as address,
        browsing() as watched,
    ):
        page = watched.page
        await page.goto(address)
        frame = page.frame_locator("iframe")
        await expect(frame.locator("#state")).to_have_text("In test-host")
        for plot in PLOTS[:5]:
            await expect(frame.locator(f"#{plot} svg .mark").first).to_be_visible()
        await expect(frame.locator("html")).to_have_attribute("data-theme", "dark")
        await expect(frame.locator("#theme")).to_be_hidden()
        assert "serif" in await frame.locator("body").evaluate("one => getComputedStyle(one).fontFamily")
        await frame.get_by_text("30 days").click()
        await expect(frame.locator("#tokens svg .mark")).to_have_count(30)
        await page.evaluate("tell({ method: 'ui/notifications/host-context-changed', params: { theme: 'light' } })")
        await expect(frame.locator("html")).to_have_attribute("data-theme", "light")
        height = await frame.locator("html").evaluate("one => Math.ceil(one.getBoundingClientRect().height)")
        await page.wait_for_function(f"document.querySelector('iframe').style.height === '{height}px'")
        await page.evaluate("tell({ id: 'end', method: 'ui/resource-teardown', params: { reason: 'test' } })")
        await page.wait_for_function("seen.some(({ id }) => id === 'end')")
        seen = json.loads(await page.evaluate("JSON.stringify(seen)"))
    assert watched.wrong == []
    methods = [message["method"] for message in seen if "method" in message]
    assert methods[:2] == ["ui/initialize", "ui/notifications/initialized"]
    assert set(methods) == {
        "ui/initialize",
        "ui/notifications/initialized",
        "ui/notifications/size-changed",
        "resources/read",
    }
    reads = [message["params"]["uri"] for message in seen if message.get("method") == "resources/read"]
    assert list(dict.fromkeys(reads)) == ["dashboard://7d", "dashboard://30d"]
    assert {url.rpartition("/")[0] for url in watched.asked if not url.startswith("data:")} == {address}
