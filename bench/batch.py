"""`delegate_batch`: what 200 items cost the director beside one, and a large batch whose server is killed three times.

The stand-in hears every prompt, so that it shows itself whether an item was asked for after its result was kept; the
ledger tells what was settled twice, and what was only under way at a kill.
"""

import asyncio
import json
import re
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import tokens
from bench.counting_service import CountingService, counting_service
from bench.figure import Figure
from bench.kills import environment
from bench.raw_stdio import RawServer, ours
from delegate_mcp.batch.ids import item_call_id

ITEMS = 10_000
KILLS = 3
MOST_MB = 300
FEW = 200
MOST_RATIO = 1.3
SLOWEST_S = 0.02
LIMIT_S = 1_800.0
_MOST_CALLS = 2 + 2 * KILLS
"""An item is called for so often at most: more would show as a call that is nobody's."""
PROMPT = (
    "Which of the labels question, complaint, praise or other fits this message of a customer best? Give the label "
    "alone, in small letters. The message: {item}"
)
_NUMBER = re.compile(rb"message number (\d+)")


def item(number: int) -> str:
    """What a customer writes."""
    return f"message number {number}: the parcel came a day late, but the shoes fit and the colour is right"


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a batch with kills showed."""

    items: int
    requests: list[int] = field(default_factory=list[int])
    """The item of every request, in the order in which the stand-in had them."""
    kept: list[tuple[int, frozenset[int]]] = field(default_factory=list[tuple[int, frozenset[int]]])
    """At each kill: how many requests there had been, and the items whose results were kept."""
    peak_mb: float = 0.0
    rows: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The saved file."""
    last_reply: str = ""
    settled: Counter[int] = field(default_factory=Counter[int])
    """How many answers of each item the ledger has settled."""
    cut_short: int = 0
    """Attempts that were under way at a kill and never settled."""

    @property
    def again(self) -> int:
        """Requests for items whose results were kept when their server was killed."""
        return sum(number in kept for had, kept in self.kept for number in self.requests[had:])

    @property
    def missing(self) -> int:
        """Items without an answer in the saved file, or out of their order."""
        right = sum(row["index"] == place and row["ok"] for place, row in enumerate(self.rows))
        return self.items - right

    @property
    def beyond(self) -> int:
        """Requests beyond one an item."""
        return len(self.requests) - self.items

    @property
    def twice(self) -> int:
        """Answers that were settled for items that had a settled one before."""
        return sum(max(0, count - 1) for count in self.settled.values())


def peak_mb(pid: int) -> float:
    """The most that a process has held so far. Linux: read from /proc."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def run(folder: Path, *, items: int = ITEMS, kills: int = KILLS) -> Seen:
    """One batch over a file of items, its server killed each time when another part of it is done."""
    seen = Seen(items=items)
    (_project(folder) / "items.txt").write_text("\n".join(map(item, range(items))), encoding="utf-8")
    async with counting_service(SLOWEST_S) as service:
        service.heard = lambda body: _note(seen, body)
        environ = environment(folder, service.base_url) | {"DELEGATE_MCP_CALLS__DEADLINE_S": "60"}
        async with asyncio.timeout(LIMIT_S):
            for part in range(1, kills + 1):
                await _until_killed(seen, folder, environ, begins=part == 1, after=items * part // (kills + 1))
            await _to_the_end(seen, folder, environ)
    return seen


def _project(folder: Path) -> Path:
    """Where the server stands: a home directory is nothing that it may read."""
    project = folder / "project"
    project.mkdir(exist_ok=True)
    return project


def _note(seen: Seen, body: bytes) -> None:
    if found := _NUMBER.search(body):
        seen.requests.append(int(found[1]))


async def _until_killed(seen: Seen, folder: Path, environ: Mapping[str, str], *, begins: bool, after: int) -> None:
    with RawServer(ours(), folder / "project", environ) as server:
        await asyncio.to_thread(server.handshake)
        if begins:
            arguments = {"prompt": PROMPT, "items_file": "items.txt", "save_to": "out.jsonl", "task_type": "quick"}
            server.send(
                {"id": 99, "method": "tools/call", "params": {"name": "delegate_batch", "arguments": arguments}}
            )
        while _lines(folder).count(b"\n") < after:  # noqa: ASYNC110 - another process writes them
            await asyncio.sleep(0.05)
        seen.peak_mb = max(seen.peak_mb, peak_mb(server.process.pid))
        server.process.kill()
        server.process.wait()
    seen.kept.append((len(seen.requests), _kept(folder)))


async def _to_the_end(seen: Seen, folder: Path, environ: Mapping[str, str]) -> None:
    """The next server goes on by itself; its director asks now and then."""
    (batch,) = (folder / "delegate" / "batches").iterdir()
    with RawServer(ours(), folder / "project", environ, give_up_s=300) as server:
        await asyncio.to_thread(server.handshake)
        while not (folder / "project" / "out.jsonl").exists():
            await asyncio.sleep(0.2)
            seen.peak_mb = max(seen.peak_mb, peak_mb(server.process.pid))
        asked = {"name": "delegate_result", "arguments": {"call_id": batch.name}}
        told = await asyncio.to_thread(server.ask, "tools/call", asked)
        seen.last_reply = told["content"][0]["text"]
        seen.peak_mb = max(seen.peak_mb, peak_mb(server.process.pid))
    _count_settled(seen, folder, batch.name)
    seen.rows = [
        json.loads(line) for line in (folder / "project" / "out.jsonl").read_text(encoding="utf-8").splitlines()
    ]


def _count_settled(seen: Seen, folder: Path, batch_id: str) -> None:
    calls = {
        item_call_id(batch_id, index, number): index
        for index in range(seen.items)
        for number in range(1, _MOST_CALLS + 1)
    }
    with closing(sqlite3.connect(folder / "delegate" / "ledger.db")) as ledger:
        for call_id, outcome in ledger.execute("SELECT call_id, outcome FROM attempts"):
            seen.settled[calls[call_id]] += outcome == "ok"
            seen.cut_short += outcome == "running"


def _kept(folder: Path) -> frozenset[int]:
    """The items whose results are on disk."""
    lines = _lines(folder).splitlines(keepends=True)
    return frozenset(json.loads(line)["index"] for line in lines if line.endswith(b"\n"))


def _lines(folder: Path) -> bytes:
    files = list((folder / "delegate").glob("batches/*/done.jsonl"))
    return files[0].read_bytes() if files else b""


# --- What the director pays ------------------------------------------------------------------------------------------


async def director_tokens(folder: Path, items: int = FEW) -> tuple[int, int]:
    """o200k tokens that a director writes and reads for a batch, and for one of its items alone."""
    (_project(folder) / "messages.txt").write_text("\n".join(map(item, range(items))), encoding="utf-8")
    many = {"prompt": PROMPT, "items_file": "messages.txt", "save_to": "labels.jsonl"}
    one = {"prompt": PROMPT.replace("{item}", item(0)), "save_to": "label.txt"}
    async with counting_service(SLOWEST_S) as service:
        return await asyncio.to_thread(_both, folder, service, many, one)


def _both(folder: Path, service: CountingService, many: dict[str, str], one: dict[str, str]) -> tuple[int, int]:
    with RawServer(ours(), folder / "project", environment(folder, service.base_url)) as server:
        server.handshake()
        return _spent(server, "delegate_batch", many | {"task_type": "quick"}), _spent(server, "delegate_quick", one)


def _spent(server: RawServer, tool: str, arguments: dict[str, str]) -> int:
    result = server.ask("tools/call", {"name": tool, "arguments": arguments})
    if result.get("isError"):
        raise RuntimeError(f"{tool} failed: {result['content']}")
    return tokens.count(json.dumps(arguments)) + tokens.count(result["content"][0]["text"])


def figures_of(seen: Seen, many: int, one: int) -> list[Figure]:
    """What the runs show."""
    return [
        Figure(
            name=f"batch of {FEW}: director's tokens",
            unit="tokens",
            ours=many,
            reference=one,
            reference_name="one item",
            judged="ratio",
            at_most=MOST_RATIO,
            note="arguments and reply; items from a file, results to a file",
        ),
        Figure(
            name=f"batch of {seen.items:,}: items asked for again whose result was kept, {len(seen.kept)} kills -9",
            unit="",
            ours=seen.again,
            at_most=0,
        ),
        Figure(
            name=f"batch of {seen.items:,}: settled answers that were settled again, {len(seen.kept)} kills -9",
            unit="",
            ours=seen.twice,
            at_most=0,
            note=f"{len(seen.requests):,} requests, {seen.beyond} beyond one an item; {seen.cut_short} attempts were "
            "under way at the kills",
        ),
        Figure(name=f"batch of {seen.items:,}: items missing or out of order", unit="", ours=seen.missing, at_most=0),
        Figure(name=f"batch of {seen.items:,}: peak memory", unit="MB", ours=seen.peak_mb, at_most=MOST_MB),
    ]


def measure() -> list[Figure]:
    """Both; takes some minutes."""
    return _measured(ITEMS)


def _measured(items: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        many, one = asyncio.run(director_tokens(Path(folder)))
    with tempfile.TemporaryDirectory() as folder:
        return figures_of(asyncio.run(run(Path(folder), items=items)), many, one)


def main() -> int:
    """By itself: `python -m bench.batch [ITEMS]`."""
    from bench.figure import table

    figures = _measured(int(sys.argv[1]) if sys.argv[1:] else ITEMS)
    print(table(figures))
    return 1 if any(figure.met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
