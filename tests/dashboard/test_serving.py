"""The dashboard over HTTP: who is answered, with what, and when it tells of a change."""

import base64
import hashlib
import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from anyio.streams.text import TextReceiveStream

from delegate_mcp.dashboard.page import page
from tests.cli.test_commands import Shell
from tests.dashboard.served import Dashboard, dashboard
from tests.fakes.person import connected, environment
from tests.fakes.services import says, services

SECRETS = ("the prompt's own words", "the answer's own words", "gsk_dummy")


async def data(shown: Dashboard, period: str = "7d") -> dict[str, Any]:
    answer = await shown.http.get("data", params={"period": period})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_data_is_the_report_of_the_period_and_the_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services() as world, dashboard(tmp_path, monkeypatch, **world.groq_env) as shown:
        assert (await data(shown))["ever"] is False
        await shown.write_call("c1", time.time() - 5)
        told = await data(shown)
        shell = Shell(tmp_path / "project", environment(tmp_path) | world.groq_env)
        report = (await shell.run("report", "--json")).json
    for name in ("calls", "tokens", "tiers", "net", "cost_usd", "success_rate", "latency_ms"):
        assert told[name] == report[name]
    assert told["ever"] is True
    assert (told["tokens"], len(told["steps"]), told["steps"][-1]["tokens"]) == (120, 7, 120)
    windows = told["budget"]["providers"]["groq"]["models"]["openai/gpt-oss-20b"]["windows"]
    assert {(row["metric"], row["period"], row["limit"] - row["left"]) for row in windows} >= {("requests", "day", 1)}


async def test_no_prompt_no_answer_and_no_key_is_in_anything_that_it_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services() as world, dashboard(tmp_path, monkeypatch, **world.groq_env) as shown:
        world.groq.answers = [says(SECRETS[1])]
        async with connected() as host:
            await host.call_tool("delegate_quick", {"prompt": SECRETS[0]})
        told = await data(shown, "all")
        everything = json.dumps(told) + (await shown.http.get("")).text
    assert told["calls"]["ok"] == 1
    assert not [secret for secret in SECRETS if secret in everything]


async def test_only_who_knows_the_token_and_names_this_machine_is_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard(tmp_path, monkeypatch) as shown, httpx.AsyncClient(base_url=shown.root) as stranger:
        for path in ("/", "/data", "/events", "/wrong/", "/wrong/data", f"{shown.http.base_url.path}data/more"):
            assert (await stranger.get(path)).status_code == 404, path
        for name in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost:80@evil.example", ""):
            assert (await shown.http.get("data", headers={"Host": name})).status_code in {400, 421}, name
        for name in ("localhost", "localhost:9", "[::1]:9", "127.0.0.1:9"):
            assert (await shown.http.get("", headers={"Host": name})).status_code == 200, name
        assert (await shown.http.post("data")).status_code == 405


async def test_a_browser_may_run_nothing_but_the_pages_own_script_and_style(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard(tmp_path, monkeypatch) as shown:
        answer = await shown.http.get("")
    policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
    (script,) = re.findall(r"<script[^>]*>(.*?)</script>", answer.text, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    for name, text in (("script-src", script), ("style-src", style)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert policy[name] == f"'sha256-{digest}'"
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert policy["connect-src"] == "'self'"
    headers = answer.headers
    assert (headers["referrer-policy"], headers["cache-control"]) == ("no-referrer", "no-store")
    assert headers["x-content-type-options"] == "nosniff"


def test_the_page_names_no_address_but_that_of_svgs_namespace() -> None:
    assert set(re.findall(r"https?://[^\s\"'`)]+", page().html)) == {"http://www.w3.org/2000/svg"}
    assert "@import" not in page().html
    assert "{{" not in page().html
    assert len(page().html) < 80_000


async def test_a_change_by_another_server_is_told_at_once_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard(tmp_path, monkeypatch) as shown, shown.http.stream("GET", "events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = events.aiter_lines()
        told = [await anext(lines), await anext(lines)]
        with anyio.fail_after(30):
            await shown.write_call("c1", time.time())
            told.append(await anext(lines))
    assert told[0] == "retry: 2000"
    assert re.fullmatch(r"data: \d+", told[2])


async def test_a_period_that_is_not_offered_is_an_error_that_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with dashboard(tmp_path, monkeypatch) as shown:
        answer = await shown.http.get("data", params={"period": "soon"})
    assert answer.status_code == 400
    assert "'soon' is no period" in answer.json()["error"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for another process")
async def test_the_command_tells_its_address_and_ends_at_ctrl_c_while_a_page_listens(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "delegate_mcp", "dashboard", "--no-open"]
    async with await anyio.open_process(command, env=environment(tmp_path), cwd=tmp_path, stderr=subprocess.PIPE) as it:
        assert it.stdout is not None
        assert it.stderr is not None
        try:
            with anyio.fail_after(60):
                address = (await TextReceiveStream(it.stdout).receive()).strip()
                assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", address)
                async with httpx.AsyncClient(base_url=address) as http, http.stream("GET", "events") as events:
                    await anext(events.aiter_lines())
                    began = time.monotonic()
                    it.send_signal(signal.SIGINT)
                    assert await it.wait() == 130
                    assert time.monotonic() - began < 5
                said = "".join([text async for text in TextReceiveStream(it.stderr)])
        finally:
            if it.returncode is None:
                it.kill()
    assert said.splitlines() == ["The dashboard is at this address, for this machine alone, until Ctrl+C."]


async def test_a_port_that_is_taken_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with dashboard(tmp_path, monkeypatch) as shown:
        port = str(httpx.URL(shown.root).port)
        ended = await Shell(tmp_path / "project", environment(tmp_path)).run("dashboard", "--no-open", "--port", port)
    assert (ended.code, ended.out) == (1, "")
    assert f"cannot use port {port}" in ended.err
