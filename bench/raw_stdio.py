"""A server process spoken to line by line, without an MCP client: what is timed is the server, not the client."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

ROOT = Path(__file__).resolve().parents[1]
BARE = (sys.executable, str(ROOT / "bench" / "bare_server.py"))
LEGACY = "2025-11-25"
MODERN = "2026-07-28"
CLIENT = {"name": "bench", "version": "1"}
ENVELOPE = {
    "_meta": {
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": CLIENT,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
}
HANDSHAKE = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": CLIENT}
KEPT = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LANG", "PATHEXT", "SYSTEMDRIVE")


def ours() -> tuple[str, ...]:
    """The command a host runs: the installed script beside this Python."""
    script = shutil.which("delegate-mcp", path=str(Path(sys.executable).parent))
    if script is None:
        raise SystemExit(f"delegate-mcp is not installed beside {sys.executable}: run `make setup`, then `make bench`")
    return (script,)


def clean_environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """A person's environment without keys, settings or a conversation: every run measures the same."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {
        **kept,
        "HOME": str(home),
        "USERPROFILE": str(home),
        "DELEGATE_MCP_HOME": str(home / "delegate"),
        **(extra or {}),
    }


@dataclass(slots=True)
class RawServer:
    """A context manager around one server process."""

    command: tuple[str, ...]
    home: Path
    extra: Mapping[str, str] = field(default_factory=dict[str, str])
    give_up_s: float = 60.0
    """A server that says nothing for so long is killed, and the run ends with its last words."""
    process: subprocess.Popen[bytes] = field(init=False)
    _errors: Any = field(init=False)
    _last_id: int = field(init=False, default=0)

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=clean_environment(self.home, self.extra),
            cwd=self.home,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self._errors.close()

    def send(self, message: Mapping[str, Any]) -> None:
        """Write one JSON-RPC message."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        self.process.stdin.flush()

    def ask(self, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Send a request and give back its result; notices on the way are passed over."""
        self._last_id += 1
        self.send({"id": self._last_id, "method": method, "params": dict(params)})
        assert self.process.stdout is not None
        timer = threading.Timer(self.give_up_s, self.process.kill)
        timer.start()
        try:
            for line in self.process.stdout:
                message = cast("dict[str, Any]", json.loads(line))
                if message.get("id") == self._last_id:
                    if "result" not in message:
                        raise RuntimeError(f"{method} was refused by {self.command}: {message.get('error')}")
                    return cast("dict[str, Any]", message["result"])
        finally:
            timer.cancel()
        self._errors.seek(0)
        words = self._errors.read().decode(errors="replace")[-2000:]
        raise RuntimeError(f"{self.command} ended without answering {method}; its last words:\n{words}")

    def handshake(self) -> dict[str, Any]:
        """`initialize` and `notifications/initialized`, as a client of the older era does."""
        result = self.ask("initialize", HANDSHAKE)
        self.send({"method": "notifications/initialized"})
        return result
