"""The dashboard over a home, in this process, and a second ledger on the same file: what another server would write."""

import socket
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
import pytest

from delegate_mcp.dashboard.serving import DashboardServer
from delegate_mcp.holder import AppHolder
from delegate_mcp.ledger.sqlite import SqliteLedger
from delegate_mcp.wiring import open_app
from tests.fakes.ledger_rows import asked, call_end, call_start, ended
from tests.fakes.person import become, environment

TOKEN = "a-token-of-the-test"


@dataclass(frozen=True, slots=True)
class Dashboard:
    http: httpx.AsyncClient
    """At the page's own address."""
    root: str
    other: SqliteLedger

    async def write_call(self, call_id: str, at: float) -> None:
        """A call of another server, answered by a free model: 120 tokens."""
        await self.other.begin_call(call_start(call_id, at))
        await self.other.reserve(asked(call_id, at=at))
        await self.other.settle(ended(call_id, at=at + 1))
        await self.other.end_call(call_end(call_id, at + 2))


@asynccontextmanager
async def dashboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **variables: str) -> AsyncGenerator[Dashboard]:
    become(tmp_path, monkeypatch, **variables)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        root = f"http://127.0.0.1:{listening.getsockname()[1]}"
        async with AppHolder(open_app) as holder, anyio.create_task_group() as tasks:
            server = DashboardServer(await holder.app(), TOKEN)
            tasks.start_soon(server.serve_on, listening)
            other = await SqliteLedger.open(Path(environment(tmp_path)["DELEGATE_MCP_HOME"]) / "ledger.db")
            try:
                async with httpx.AsyncClient(base_url=f"{root}/{TOKEN}/", timeout=30) as http:
                    yield Dashboard(http, root, other)
            finally:
                await other.aclose()
                server.end()
