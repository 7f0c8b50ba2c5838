"""`make bench`: every figure we promise, measured beside what it is compared with, in one run and one table.

To add a figure: write a module with `measure() -> list[Figure]` and give it a row in MEASURES.
"""

import argparse
import json
import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

if not __package__:  # run as a file: put the repository on the path in place of this folder
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from bench import (
    batch,
    economy,
    failover,
    faults,
    kills,
    ledger_speed,
    local_host,
    many_at_once,
    memory,
    overhead,
    planning,
    quota,
    reply_line,
    router_replay,
    routing_learning,
    schema_tokens,
    secret_scan,
    startup,
)
from bench.figure import Figure, in_readme, table

MEASURES: Mapping[str, Callable[[], list[Figure]]] = {
    "schema": schema_tokens.measure,
    "reply": reply_line.measure,
    "startup": startup.measure,
    "overhead": overhead.measure,
    "many": many_at_once.measure,
    "memory": memory.measure,
    "planning": planning.measure,
    "ledger": ledger_speed.measure,
    "local": local_host.measure,
    "secrets": secret_scan.measure,
    "faults": faults.measure,
    "failover": failover.measure,
    "kills": kills.measure,
    "batch": batch.measure,
    "economy": economy.measure,
    "quota": quota.measure,
    "learning": routing_learning.measure,
    "replay": router_replay.measure,
}

SLOW: Mapping[str, str] = {
    "batch": "five minutes",
    "economy": "three minutes",
    "faults": "a minute",
    "failover": "half a minute",
    "kills": "four minutes",
    "ledger": "a minute",
    "learning": "a minute",
    "local": "half a minute",
    "quota": "20 minutes",
}
"""How long the slow ones take."""


def main(arguments: list[str] | None = None, measures: Mapping[str, Callable[[], list[Figure]]] = MEASURES) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--only", choices=measures, action="append", metavar="NAME", help=f"one of {', '.join(measures)}"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    parser.add_argument("--readme", type=Path, metavar="FILE", help="put the table between that file's `numbers` marks")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is not met")
    given = parser.parse_args(arguments)
    figures: list[Figure] = []
    for name in given.only or measures:
        takes = f" (about {SLOW[name]})" if name in SLOW else ""
        print(f"measuring {name}{takes} ...", file=sys.stderr, flush=True)
        figures += measures[name]()
    print(table(figures))
    if given.json is not None:
        machine = f"{platform.system()} {platform.machine()}, Python {platform.python_version()}"
        report = {"machine": machine, "figures": [figure.as_json() for figure in figures]}
        given.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if given.readme is not None:
        given.readme.write_text(in_readme(given.readme.read_text(encoding="utf-8"), figures), encoding="utf-8")
    return 1 if given.strict and any(figure.met is False for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main())
