"""Memory of a server that has listed its tools and waits, beside a bare one. Linux: read from /proc."""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import stand_in
from bench.figure import Figure
from bench.overhead import PROMPT, keyed
from bench.raw_stdio import BARE, RawServer, ours

MOST_RATIO = 1.25
ROUNDS = 5
SETTLE_S = 1.0


@dataclass(frozen=True, slots=True)
class Memory:
    """Megabytes of a process and its children."""

    rss: float
    pss: float
    """Pages shared with other processes counted in part."""


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def of_process(pid: int) -> Memory:
    """What a process and all below it hold."""
    totals = {"Rss:": 0, "Pss:": 0}
    for one in _family(pid):
        for line in Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii").splitlines():
            name, *rest = line.split()
            if name in totals:
                totals[name] += int(rest[0])
    return Memory(totals["Rss:"] / 1024, totals["Pss:"] / 1024)


def idle(command: tuple[str, ...], home: Path) -> Memory:
    """Memory after the handshake and tools/list, once what was begun in the background has had time to end."""
    with RawServer(command, home) as server:
        server.handshake()
        server.ask("tools/list", {})
        time.sleep(SETTLE_S)
        return of_process(server.process.pid)


def after_a_call(home: Path) -> Memory:
    """Ours once it has answered through the groq SDK: what was left unloaded until then is loaded now."""
    with stand_in.running() as base_url, RawServer(ours(), home, keyed(base_url)) as server:
        server.handshake()
        server.ask("tools/call", {"name": "delegate_quick", "arguments": {"prompt": PROMPT.format(3)}})
        time.sleep(SETTLE_S)
        return of_process(server.process.pid)


def measure() -> list[Figure]:
    """Resident memory carries the target; the proportional share, and memory after a call, are shown for scale."""
    if not sys.platform.startswith("linux"):
        print("memory: not measured here; it reads /proc/<pid>/smaps_rollup, which only Linux has", file=sys.stderr)
        return []
    mine: list[Memory] = []
    bare: list[Memory] = []
    with tempfile.TemporaryDirectory() as home:
        for _ in range(ROUNDS):
            mine.append(idle(ours(), Path(home)))
            bare.append(idle(BARE, Path(home)))
        used = after_a_call(Path(home))
    return [
        Figure(
            name="idle memory, resident",
            unit="MB",
            ours=median(one.rss for one in mine),
            reference=median(one.rss for one in bare),
            reference_name="bare server",
            judged="ratio",
            at_most=MOST_RATIO,
            note=f"medians of {ROUNDS} each, alternating, {SETTLE_S:g} s after tools/list, children included",
        ),
        Figure(
            name="idle memory, proportional",
            unit="MB",
            ours=median(one.pss for one in mine),
            reference=median(one.pss for one in bare),
            reference_name="bare server",
        ),
        Figure(name="memory after a first call, resident", unit="MB", ours=used.rss),
    ]
