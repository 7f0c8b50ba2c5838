"""`llmock` from the package index, run as a real process on a free loopback port."""

import socket
import subprocess
import sys
from types import TracebackType
from typing import Any, Self

import httpx


class Llmock:
    """The running server; `with Llmock() as llmock`."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, "-m", "llmock.cli", "serve", "-p", str(self.port), "--response-style", "echo"]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._control = httpx.Client(base_url=f"{self.url}/_llmock/", trust_env=False)

    def script(self, **behavior: Any) -> None:
        """Forget what was asked and let the next request meet this behaviour."""
        self._control.post("reset").raise_for_status()
        self._control.post("scenario", json={"behaviors": [behavior]}).raise_for_status()

    def verdict(self) -> dict[str, Any]:
        """How the client dealt with what it met."""
        return self._control.get("verdict").raise_for_status().json()

    def __enter__(self) -> Self:
        assert self._process.stderr is not None
        told: list[str] = []
        for line in self._process.stderr:
            told.append(line)
            if "running on" in line:
                return self
        raise AssertionError(f"llmock did not start:\n{''.join(told)}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._control.close()
        self._process.terminate()
        self._process.communicate(timeout=10)
