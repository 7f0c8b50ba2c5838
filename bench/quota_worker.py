"""One server process of ours under load: opens the app as a server does and makes many calls at once by its tools.

Prints `ready` when it has made one call to warm up, begins at a line on stdin, and prints what came of its calls as
JSON.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import anyio
import anyio.to_thread
from mcp import Client
from mcp_types import TextContent

from delegate_mcp.holder import AppHolder
from delegate_mcp.server import build_server
from delegate_mcp.wiring import open_app


@dataclass(slots=True)
class Came:
    """What came of a process's calls."""

    answered: Counter[str] = field(default_factory=Counter[str])
    """By the model that answered."""
    errors: list[str] = field(default_factory=list[str])
    seconds: list[float] = field(default_factory=list[float])

    def as_json(self) -> str:
        """One line."""
        return json.dumps({"answered": self.answered, "errors": self.errors, "seconds": self.seconds})


async def call(client: Client, came: Came, prompt: str, on_limit: str) -> None:
    """One call of a director."""
    began = perf_counter()
    result = await client.call_tool("delegate_quick", {"prompt": prompt, "on_limit": on_limit})
    came.seconds.append(perf_counter() - began)
    facts: Mapping[str, Any] = (result.meta or {}).get("delegate", {})
    attempts: list[Mapping[str, Any]] = facts.get("attempts", [])
    if result.is_error or not attempts or attempts[-1]["outcome"] != "ok":
        first = result.content[0]
        came.errors.append(first.text if isinstance(first, TextContent) else repr(first))
    else:
        came.answered[str(attempts[-1]["model"]).removeprefix("groq:")] += 1


async def run(asked: Mapping[str, Any]) -> None:
    """Warm up, wait for the word, and make all calls at once."""
    came = Came()
    async with AppHolder(open_app) as holder, Client(build_server(holder)) as client:
        warm = await client.call_tool("delegate", {"prompt": "warm up", "model": asked["warm"]})
        if warm.is_error:
            raise SystemExit(f"the warming call failed: {warm.content}")
        print("ready", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        async with anyio.create_task_group() as tasks:
            for number in range(asked["calls"]):
                prompt = f"In one short sentence, what is said of {asked['name']} {number}?"
                tasks.start_soon(call, client, came, prompt, asked["on_limit"])
    print(came.as_json(), flush=True)


if __name__ == "__main__":
    anyio.run(run, json.loads(sys.argv[1]))
