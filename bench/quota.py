"""No quota wasted, none overrun: 8 processes of 50 calls at once on one key, beside LiteLLM's Router.

The service is a stand-in that enforces its limits and counts what it refuses (`quota_service`). To add a load, add a
row to SCENARIOS; to compare with another client, add a row to CLIENTS.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from bench.figure import Figure
from bench.quota_service import FAST, SECOND, WARM, Pace, Remote, day_ends_in, running
from bench.raw_stdio import ROOT, clean_environment
from bench.service_books import Limits

PROCESSES = 8
CALLS = 50
MOST_UNUSED_PERCENT = 3.0
DEADLINE_S = 240.0
MAX_TOKENS = 1_024
"""The output ceiling of our rule for quick questions; the other clients ask with the same."""
LITELLM = "litellm==1.106.2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What the service allows, and what the calls do at a limit."""

    name: str
    limits: Limits
    """Of each model."""
    metric: Literal["requests", "tokens"]
    period: Literal["minute", "day"]
    """The window that ends first."""
    on_limit: Literal["wait", "degrade"]
    pace: Pace = field(default_factory=Pace)

    @property
    def limit(self) -> int:
        """That window's limit."""
        return {"requestsminute": self.limits.rpm, "tokensminute": self.limits.tpm, "requestsday": self.limits.rpd}[
            self.metric + self.period
        ]


SCENARIOS = (
    Scenario(
        name="requests a minute",
        limits=Limits(rpm=150),
        metric="requests",
        period="minute",
        on_limit="wait",
    ),
    Scenario(
        name="tokens a minute",
        limits=Limits(tpm=140_000),
        metric="tokens",
        period="minute",
        on_limit="wait",
        pace=Pace(output_tokens=(700, 1_000)),
    ),
    Scenario(
        name="requests a day",
        limits=Limits(rpd=250),
        metric="requests",
        period="day",
        on_limit="degrade",
    ),
)


@dataclass(slots=True)
class Came:
    """What came of one client's run, by its own word and by the service's."""

    answered: Counter[str] = field(default_factory=Counter[str])
    errors: list[str] = field(default_factory=list[str])
    slowest_s: float = 0.0
    service: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, Mapping[str, Any]])

    @property
    def overruns(self) -> int:
        """Requests that the service refused, for whatever window of whatever model."""
        return sum(books["refused"] + books["too_large"] for books in self.service.values())

    def unused_percent(self, scenario: Scenario) -> float:
        """The part of the first model's allowance that was left while calls waited (of a day: when all were done)."""
        books = self.service.get(FAST, {})
        if scenario.period == "day":
            return 100 * (1 - books.get("admitted", 0) / scenario.limit)
        return 100 * (1 - books.get("request_share" if scenario.metric == "requests" else "token_share", 0.0))


Start = Callable[[Scenario, str, int, str, Path], subprocess.Popen[str]]
"""Starts one process: scenario, base URL, calls, a name of its own, the home they share."""


def start_ours(scenario: Scenario, base_url: str, calls: int, name: str, home: Path) -> subprocess.Popen[str]:
    """A server process of ours."""
    limits = [{"metric": scenario.metric, "period": scenario.period, "limit": scenario.limit}]
    rules = home / "rules.toml"
    rules.write_text(f'[quick]\ncandidates = ["groq:{FAST}", "groq:{SECOND}"]\n', encoding="utf-8")
    extra = {
        "GROQ_API_KEY": "bench",
        "DELEGATE_MCP_PROVIDERS__GROQ__BASE_URL": base_url,
        "DELEGATE_MCP_PROVIDERS__GROQ__LIMITS": json.dumps(limits),
        "DELEGATE_MCP_CALLS__DEADLINE_S": str(DEADLINE_S),
        "DELEGATE_MCP_CALLS__PATIENCE_S": str(DEADLINE_S + 60),
        "DELEGATE_MCP_RULES": str(rules),
    }
    asked = {"calls": calls, "name": name, "on_limit": scenario.on_limit, "warm": f"groq:{WARM}"}
    command = [sys.executable, "-P", str(ROOT / "bench" / "quota_worker.py"), json.dumps(asked)]
    return _start(command, clean_environment(home, extra), home)


def start_litellm(scenario: Scenario, base_url: str, calls: int, name: str, home: Path) -> subprocess.Popen[str]:
    """A process of LiteLLM's Router, with the limits that its deployments can be given: it knows none of the day."""
    per_minute = {"requestsminute": {"rpm": scenario.limits.rpm}, "tokensminute": {"tpm": scenario.limits.tpm}}
    asked = {
        "base_url": base_url,
        "calls": calls,
        "name": name,
        "on_limit": scenario.on_limit,
        "model": FAST,
        "second": SECOND,
        "warm": WARM,
        "limits": per_minute.get(scenario.metric + scenario.period, {}),
        "retries": 20,
        "deadline_s": DEADLINE_S,
        "max_tokens": MAX_TOKENS,
    }
    python = str(litellm_python())
    command = [python, "-P", str(ROOT / "bench" / "litellm_worker.py"), json.dumps(asked)]
    return _start(command, clean_environment(home), home)


def _start(command: Sequence[str], environment: Mapping[str, str], home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=dict(environment), cwd=home
    )


def litellm_python() -> Path:
    """The Python of LiteLLM's own venv."""
    return ROOT / ".bench" / "litellm" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def set_up_litellm() -> bool:
    """Make LiteLLM's venv where it is not there; False, and said, where it cannot be."""
    python = litellm_python()
    version = f"import importlib.metadata as m; assert m.version('litellm') == {LITELLM.partition('==')[2]!r}"
    if python.exists() and not subprocess.run([python, "-c", version], capture_output=True, check=False).returncode:
        return True
    print(f"installing {LITELLM} into {python.parents[1]} ...", file=sys.stderr, flush=True)
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", LITELLM]
    for command in ([sys.executable, "-m", "venv", python.parents[1]], install):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            print(f"LiteLLM is not measured, {command[2]} failed: {done.stderr.strip()[-400:]}", file=sys.stderr)
            return False
    return True


def load(
    scenario: Scenario, start: Start, service: Remote, home: Path, *, processes: int = PROCESSES, calls: int = CALLS
) -> Came:
    """Start the processes, let all begin at once, and collect what came."""
    service.control({FAST: scenario.limits, SECOND: scenario.limits}, scenario.pace)
    came = Came()
    with ExitStack() as stack:
        workers: list[subprocess.Popen[str]] = []
        for number in range(processes):
            worker = stack.enter_context(start(scenario, service.base_url, calls, f"worker {number} number", home))
            stack.callback(worker.kill)
            workers.append(worker)
        for worker in workers:
            if _line(worker).strip() != "ready":
                raise SystemExit(f"a process of {start.__name__} did not start: its words stand above")
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        for worker in workers:
            told: dict[str, Any] = json.loads(_line(worker) or '{"errors": ["the process died"]}')
            came.answered.update(told.get("answered", {}))
            came.errors += told["errors"]
            came.slowest_s = max(came.slowest_s, *told.get("seconds", ()), 0.0)
    came.service = service.report()
    return came


def _line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline()


@dataclass(frozen=True, slots=True)
class Client:
    """Who is loaded, and how its calls are spread."""

    name: str
    start: Start
    processes: int
    calls: int


CLIENTS = (
    Client("ours", start_ours, PROCESSES, CALLS),
    Client("LiteLLM Router", start_litellm, PROCESSES, CALLS),
    Client("LiteLLM Router in one process", start_litellm, 1, PROCESSES * CALLS),
)


def measure_one(scenario: Scenario, clients: Sequence[Client], service: Remote) -> dict[str, Came]:
    """One scenario with every client in turn, each with a home and books of its own."""
    taken: dict[str, Came] = {}
    for client in clients:
        if scenario.period == "day" and day_ends_in(time.time()) < 2 * DEADLINE_S:
            time.sleep(day_ends_in(time.time()) + 1)
        print(f"  {scenario.name}: {client.name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as home:
            taken[client.name] = load(
                scenario, client.start, service, Path(home), processes=client.processes, calls=client.calls
            )
        print(f"    {_summary(scenario, taken[client.name])}", file=sys.stderr, flush=True)
    return taken


def _summary(scenario: Scenario, came: Came) -> str:
    first = came.service.get(FAST, {})
    return (
        f"{sum(came.answered.values())} answered, {len(came.errors)} failed, {came.overruns} overruns, "
        f"{came.unused_percent(scenario):.1f}% unused, by minute {first.get('per_minute')}, "
        f"the last let in after {first.get('demand_s', 0.0):.1f} s"
    )


def figures(scenario: Scenario, taken: Mapping[str, Came]) -> list[Figure]:
    """Three figures of a scenario."""
    mine = taken["ours"]
    others = [(name, came) for name, came in taken.items() if name != "ours"]
    beside = others[0][1] if others else None
    values: dict[str, Callable[[Came], float]] = {
        "requests beyond a limit": lambda came: float(came.overruns),
        "failed calls": lambda came: float(len(came.errors)),
        "allowance left unused while there was demand": lambda came: came.unused_percent(scenario),
    }
    made: list[Figure] = []
    for name, value in values.items():
        percent = name.startswith("allowance")
        unit = "%" if percent else ""
        told = "; ".join(f"{other}: {value(came):.4g}{unit}" for other, came in others)
        made.append(
            Figure(
                name=f"{scenario.name}: {name}",
                unit=unit,
                ours=value(mine),
                reference=None if beside is None else value(beside),
                reference_name=others[0][0] if others else "",
                at_most=MOST_UNUSED_PERCENT if percent else 0.0,
                note=f"{PROCESSES} processes of {CALLS} calls at once, on_limit={scenario.on_limit}, "
                f"{_said(scenario)}" + (f"; {told}" if told else ""),
            )
        )
    return made


def _said(scenario: Scenario) -> str:
    given = {name: value for name, value in asdict(scenario.limits).items() if value != asdict(Limits())[name]}
    return ", ".join(f"{name.upper()} {value:,}" for name, value in given.items())


def measure() -> list[Figure]:
    """Every scenario; some 20 minutes, nearly all of it waiting for windows."""
    clients = CLIENTS if set_up_litellm() else CLIENTS[:1]
    with running() as service:
        return [one for scenario in SCENARIOS for one in figures(scenario, measure_one(scenario, clients, service))]
