"""What the director reads of us beyond the answer: o200k tokens of the bracketed line below it."""

import tempfile
from pathlib import Path
from typing import Any, cast

from bench import stand_in, tokens, wire
from bench.figure import Figure
from bench.overhead import PROMPT, keyed
from bench.raw_stdio import RawServer, ours

MOST_TOKENS = 20


def bracketed(text: str) -> str:
    """The last line of a reply where it is bracketed, else nothing."""
    last = text.rstrip().rpartition("\n")[2]
    return last if last.startswith("[") and last.endswith("]") else ""


def measure() -> list[Figure]:
    """One plain answer of delegate_quick, asked through the wire."""
    with (
        stand_in.running() as base_url,
        tempfile.TemporaryDirectory() as home,
        RawServer(ours(), Path(home), keyed(base_url)) as server,
    ):
        server.handshake()
        result = server.ask("tools/call", {"name": "delegate_quick", "arguments": {"prompt": PROMPT.format(7)}})
    text = str(cast("list[dict[str, Any]]", result["content"])[0]["text"])
    if result.get("isError") or wire.ANSWER not in text:
        raise SystemExit(f"delegate_quick did not answer through the stand-in, so there is nothing to measure: {text}")
    line = bracketed(text)
    return [
        Figure(name="reply's bracketed line", unit="tokens", ours=tokens.count(line), at_most=MOST_TOKENS, note=line)
    ]
