"""One host that keeps its server busy over stdio, and can kill it."""

import asyncio
import json
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.raw_stdio import HANDSHAKE

CALLS_AT_ONCE = 8
SETTLE_S = 60.0
"""What the last calls may take to end."""
_LINE_LIMIT = 1 << 22


@dataclass(slots=True)
class Told:
    """What the hosts were told, all together."""

    answers: int = 0
    errors: list[str] = field(default_factory=list[str])


@dataclass(slots=True, eq=False)
class BusyHost:
    """One host with its server, which it keeps busy."""

    command: tuple[str, ...]
    home: Path
    environ: Mapping[str, str]
    told: Told
    stopping: bool = False
    process: Process | None = None
    pending: set[int] = field(default_factory=set[int])
    last_id: int = 0
    busy: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while its server has calls."""
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the server; the load begins when it has answered `initialize`."""
        self.busy.clear()
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=self.environ,
            cwd=self.home,
            limit=_LINE_LIMIT,
        )
        self._send({"id": 0, "method": "initialize", "params": HANDSHAKE})
        self._reading = asyncio.create_task(self._read(self.process))

    async def kill(self) -> int:
        """End it by `kill -9`; how many calls were under way. Replies that it had written count as given."""
        assert self.process is not None
        assert self._reading is not None
        with suppress(ProcessLookupError):
            self.process.kill()
        await self._reading
        await self.process.wait()
        lost = len(self.pending)
        self.pending.clear()
        return lost

    async def stop(self) -> None:
        """Let the calls under way end, then close its stdin."""
        self.stopping = True
        if self.pending:
            self.idle.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.idle.wait(), SETTLE_S)
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), SETTLE_S)
        except TimeoutError:
            self.told.errors.append("a server did not end when its stdin was closed")
            self.process.kill()
        assert self._reading is not None
        await self._reading

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")

    def _call(self) -> None:
        self.last_id += 1
        self.pending.add(self.last_id)
        arguments = {"prompt": f"In one short sentence: what of the number {self.last_id}?"}
        params = {"name": "delegate_quick", "arguments": arguments}
        self._send({"id": self.last_id, "method": "tools/call", "params": params})

    async def _read(self, process: Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            if not line.endswith(b"\n"):
                return  # cut by the kill
            message: dict[str, Any] = json.loads(line)
            if message.get("id") == 0:
                self._send({"method": "notifications/initialized"})
                for _ in range(CALLS_AT_ONCE):
                    self._call()
                self.busy.set()
            elif message.get("id") in self.pending:
                self._replied(message)

    def _replied(self, message: Mapping[str, Any]) -> None:
        self.pending.discard(message["id"])
        result: Mapping[str, Any] = message.get("result") or {"isError": True, "content": [message.get("error")]}
        if result.get("isError"):
            self.told.errors.append(str(result["content"])[:400])
        else:
            self.told.answers += 1
        if not self.stopping:
            self._call()
        elif not self.pending:
            self.idle.set()
