"""From starting the process to the first answer over stdio, beside a bare one-tool server of the same SDK."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from bench.figure import Figure
from bench.raw_stdio import BARE, ENVELOPE, HANDSHAKE, RawServer, ours

MOST_RATIO = 1.15
PAIRS = 15


def first_answer_ms(command: tuple[str, ...], home: Path, method: str, params: Mapping[str, Any]) -> float:
    """Milliseconds from starting the process to having read the answer to its first request."""
    began = perf_counter()
    with RawServer(command, home) as server:
        server.ask(method, params)
        return (perf_counter() - began) * 1000


def _pairs(method: str, params: Mapping[str, Any], count: int) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        for command in (ours(), BARE):  # once unmeasured: byte code is written, the disk is warm
            first_answer_ms(command, home, method, params)
        mine: list[float] = []
        bare: list[float] = []
        for _ in range(count):
            mine.append(first_answer_ms(ours(), home, method, params))
            bare.append(first_answer_ms(BARE, home, method, params))
    return mine, bare


def _figure(name: str, mine: list[float], bare: list[float]) -> Figure:
    return Figure(
        name=name,
        unit="ms",
        ours=median(mine),
        reference=median(bare),
        reference_name="bare server",
        judged="ratio",
        at_most=MOST_RATIO,
        note=f"medians of {len(mine)} starts each, alternating; fastest {min(mine):.0f} and {min(bare):.0f} ms",
    )


def measure() -> list[Figure]:
    """Both eras: `initialize`, and `server/discover`, with which Claude Code begins."""
    return [
        _figure("start to initialize", *_pairs("initialize", HANDSHAKE, PAIRS)),
        _figure("start to server/discover", *_pairs("server/discover", ENVELOPE, PAIRS)),
    ]
