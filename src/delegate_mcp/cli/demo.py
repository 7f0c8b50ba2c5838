"""`delegate-mcp demo`: start the server as a host would, delegate two short real jobs, show what came and how."""

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from mcp import StdioServerParameters
from mcp.client import Client
from mcp_types import CallToolResult, TextContent, TextResourceContents

from delegate_mcp.local.demo_model import fetch_demo_model
from delegate_mcp.platforms import cache_dir

JOBS: tuple[tuple[str, str], ...] = (
    ("delegate_private", "In one sentence: what does this text allow you to do?"),
    ("delegate_quick", "In one short sentence: what is a licence for software good for?"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--fetch-only", action="store_true", help="only fetch the embedded model into the cache")
    parser.add_argument("--file", default="LICENSE", help="the file that the private job is about; default: LICENSE")
    parser.add_argument("--json", action="store_true", help="print answers, routes and the budget as JSON")


async def run(args: argparse.Namespace) -> int:
    """Fetch the model if need be, then act as a host."""
    say = _on_stderr if args.json or args.fetch_only else print
    model = await fetch_demo_model(cache_dir(os.environ), say)
    say(f"Embedded model: {model.name} ({model.stat().st_size // 1_000_000} MB, in your cache)")
    if args.fetch_only:
        return 0
    file = args.file if _is_file(args.file) else None
    return await _act_as_host(file, as_json=args.json)


def _is_file(path: str) -> bool:
    return Path(path).is_file()


def _on_stderr(text: str) -> None:
    print(text, file=sys.stderr)


async def _act_as_host(file: str | None, *, as_json: bool) -> int:
    say = _on_stderr if as_json else print
    environment = {**os.environ, "DELEGATE_MCP_LOCAL__DEMO_MODEL": "always"}
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "delegate_mcp"], env=environment, cwd=str(Path.cwd())
    )
    facts: dict[str, Any] = {"jobs": []}
    failed = False
    async with Client(server) as host:
        tools = (await host.list_tools()).tools
        say(f"\nThe server answers on stdio (protocol {host.protocol_version}). Its tools:")
        for tool in tools:
            say(f"  {tool.name:22} {tool.description}")
        facts["tools"] = [tool.name for tool in tools]
        for name, prompt in JOBS:
            arguments: dict[str, Any] = {"prompt": prompt}
            if name == "delegate_private" and file is not None:
                arguments["files"] = [file]
            say(f"\n> {name}({json.dumps(arguments)})")
            result = await host.call_tool(name, arguments, progress_callback=_no_progress)
            failed = failed or bool(result.is_error)
            job = _job(name, result)
            facts["jobs"].append(job)
            _show(job, say)
        budget = (await host.read_resource("budget://current")).contents[0]
    facts["budget"] = json.loads(budget.text) if isinstance(budget, TextResourceContents) else None
    if as_json:
        json.dump(facts, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        say(f"\nbudget://current\n{json.dumps(facts['budget'], indent=2, ensure_ascii=False)}")
    return 1 if failed else 0


async def _no_progress(progress: float, total: float | None, message: str | None) -> None:
    """Take progress as a host does."""


def _job(name: str, result: CallToolResult) -> dict[str, Any]:
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    return {"tool": name, "text": text, "is_error": bool(result.is_error), **(result.meta or {}).get("delegate", {})}


def _show(job: dict[str, Any], say: Any) -> None:
    say(job["text"])
    route: dict[str, Any] = job.get("route") or {}
    if route:
        say(f"  route: {route.get('rule')}, {route.get('reason')}")
    for attempt in job.get("attempts", ()):
        kind = f" ({attempt['error_kind']})" if attempt.get("error_kind") else ""
        asked = f"{attempt['provider']}:{attempt['model']}"
        say(f"  asked {asked}: {attempt['outcome']}{kind}, {attempt['latency_ms']:.0f} ms")
    for item in route.get("passed_over", ()):
        say(f"  not asked {item['model']}: {item['why']}")
