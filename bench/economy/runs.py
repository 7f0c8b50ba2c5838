"""All jobs through every server, each in a project of its own and in the same run, asking one stand-in.

To compare with another server: a row in SERVERS and, where its tools are used in another way, a class in `ways`.
"""

import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mcp import Client, StdioServerParameters
from mcp.client.stdio import stdio_client

from bench import tokens
from bench.economy import ways
from bench.economy.director import Spent, does_itself
from bench.economy.installing import script, venv_with
from bench.economy.jobs import Job, load
from bench.economy.project import lay_out
from bench.economy.service import LOCAL_MODEL, MODEL, Service, running
from bench.raw_stdio import clean_environment, ours
from delegate_mcp.providers.registry import PROVIDERS

RULES = f"""\
[code_review]
candidates = ["mistral:devstral-2512"]
[long_context]
candidates = ["mistral:{MODEL}"]
floor = 0
"""
"""One free service and one local model are set up: these two task types name others by default."""
FREE = ("free", "local")
PAL_LEAN = "analyze,refactor,testgen,secaudit,docgen,tracer"
PAL_REST = f"{PAL_LEAN},thinkdeep,planner,consensus,codereview,precommit,debug,challenge,clink,apilookup"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server as a person sets it up. `choices`: sets of pip requirements, the first that installs is taken."""

    name: str
    manner: str = ""
    """How its tools are used, where that is not its usual way: then it is shown for scale."""
    way: Callable[[Client, Service, Path], ways.Way]
    command: str = ""
    choices: tuple[tuple[str, ...], ...] = ()
    settings: Callable[[str, Path], Mapping[str, str]]
    """Its environment, by the stand-in's address and its home."""
    listings: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, Mapping[str, str]])
    """Other set-ups that differ in what is listed alone: their names, and what they add to the environment."""


def _ours(address: str, home: Path) -> Mapping[str, str]:
    (home / "rules.toml").write_text(RULES, encoding="utf-8")
    off = {
        f"DELEGATE_MCP_PROVIDERS__{row.name.upper().replace('-', '_')}__ENABLED": "false"
        for row in PROVIDERS
        if row.local and row.name != "llama-server"
    }
    return off | {
        "MISTRAL_API_KEY": "bench",
        "DELEGATE_MCP_PROVIDERS__MISTRAL__BASE_URL": f"{address}/v1",
        "DELEGATE_MCP_PROVIDERS__LLAMA_SERVER__BASE_URL": f"{address}/local/v1",
        "DELEGATE_MCP_RULES": str(home / "rules.toml"),
    }


def _pal(address: str, home: Path) -> Mapping[str, str]:
    known = home / "models.json"  # of its own list the one such model is given 14k tokens of files at most
    room = {"context_window": 1_048_576, "max_output_tokens": 65_536}
    known.write_text(json.dumps({"models": [{"model_name": MODEL, "aliases": [], **room}]}), encoding="utf-8")
    named = dict.fromkeys(("CUSTOM_MODEL_NAME", "DEFAULT_MODEL"), MODEL)
    told = {"CUSTOM_API_URL": f"{address}/v1", "CUSTOM_API_KEY": "", "LOG_LEVEL": "ERROR"}
    return named | told | {"CUSTOM_MODELS_CONFIG_PATH": str(known), "DISABLED_TOOLS": PAL_LEAN}


def _llm_routing(address: str, home: Path) -> Mapping[str, str]:
    del home
    local = {"OLLAMA_BASE_URL": address, "OLLAMA_BUDGET_MODELS": LOCAL_MODEL}
    return local | {"LITELLM_LOCAL_MODEL_COST_MAP": "True"}  # read at import: no price list is fetched


_PAL = "https://github.com/BeehiveInnovations/pal-mcp-server.git@7afc7c1cc96e23992c8f105f960132c657883bb1"
_ROUTING = (("llm-routing==15.4.0",),)

SERVERS = (
    Server(name="ours", way=ways.Ours, settings=_ours),
    Server(
        name="pal-mcp-server",
        way=ways.Pal,
        command="pal-mcp-server",
        # 9.8.2 is only in its repository; what the package index has under that name is younger and lists less.
        choices=((f"git+{_PAL}", "mcp<2"), ("pal-mcp-server==10.6.0", "mcp<2")),
        settings=_pal,
        listings={"all its tools": {"DISABLED_TOOLS": ""}, "`chat` alone": {"DISABLED_TOOLS": PAL_REST}},
    ),
    Server(name="llm-routing", way=ways.LlmRouting, command="llm-router", choices=_ROUTING, settings=_llm_routing),
    Server(
        name="llm-routing",
        manner="by `llm_local_task`",
        way=ways.LlmLocalTask,
        command="llm-router",
        choices=_ROUTING,
        settings=_llm_routing,
    ),
)
"""The first is ours. `pal-mcp-server` is set up as its example of settings says, with six of its tools off."""


@dataclass(slots=True, kw_only=True)
class Run:
    """What the jobs cost the director through one server."""

    name: str
    """Without its version, which changes."""
    version: str = ""
    judged: bool = True
    """Whether a target bounds it."""
    listing: int = 0
    """Tokens of the tool list and the instructions, once a conversation."""
    listings: dict[str, int] = field(default_factory=dict[str, int])
    spent: list[Spent] = field(default_factory=list[Spent])
    """By job."""
    by_itself: int = 0
    """Jobs that it did itself."""
    failed: list[str] = field(default_factory=list[str])
    free: list[int] = field(default_factory=list[int])
    """Tokens that the services heard and said, by job."""
    why_not: str = ""
    """Why it could not be measured."""

    def per_job(self, conversation: int, listing: int | None = None) -> float:
        """The director's tokens for one job, in conversations of so many."""
        return (self.listing if listing is None else listing) / conversation + self.used / max(1, len(self.spent))

    def not_free_percent(self, conversation: int, tiers: Sequence[str] = FREE) -> float:
        """The part of all tokens that is not on free inference: the director's, and what other tiers answered."""
        free = sum(count for count, one in zip(self.free, self.spent, strict=True) if one.tier in tiers)
        director = self.per_job(conversation) * len(self.spent)
        return 100 * (1 - free / (director + sum(self.free)))

    @property
    def used(self) -> int:
        """Tokens for all jobs without the listing."""
        return sum(one.total for one in self.spent)


async def run_all(
    servers: Sequence[Server] = SERVERS, jobs: Sequence[Job] | None = None
) -> tuple[list[Spent], list[Run]]:
    """What the director spends alone, and through each server."""
    jobs = load() if jobs is None else jobs
    logging.getLogger("mcp").setLevel(logging.CRITICAL)  # it tells of each line of a log that a server writes to stdout
    with tempfile.TemporaryDirectory() as folder, running() as service:
        pattern = Path(folder) / "project"
        lay_out(pattern)
        alone = [does_itself(job, pattern, number) for number, job in enumerate(jobs)]
        runs: list[Run] = []
        for number, server in enumerate(servers):
            home = Path(folder) / f"home{number}"
            shutil.copytree(pattern, home / "project")
            runs.append(await _run(server, jobs, alone, service, home))
        return alone, runs


async def _run(server: Server, jobs: Sequence[Job], alone: Sequence[Spent], service: Service, home: Path) -> Run:
    run = Run(name=f"{server.name} {server.manner}".strip(), judged=not server.manner)
    command = ours()[0]
    if server.choices:
        venv, run.why_not = venv_with(server.command, server.choices)
        if venv is None:
            return run
        command = str(script(venv, server.command))
    project = home / "project"
    with (home / "stderr.txt").open("w", encoding="utf-8") as said:

        def parameters(more: Mapping[str, str]) -> Client:
            environment = clean_environment(home, {**server.settings(service.address, home), **more})
            made = StdioServerParameters(command=command, env=environment, cwd=project)
            return Client(stdio_client(made, errlog=said), mode="legacy", read_timeout_seconds=120)

        try:
            for name, more in server.listings.items():
                async with parameters(more) as client:
                    run.listings[name] = await listed(client)
            async with parameters({}) as client:
                told = client.server_info.version if client.server_info else ""
                run.version = told or server.choices[0][0].partition("==")[2]
                run.listing = await listed(client)
                await _do(run, server.way(client, service, project), jobs, service)
        except Exception as error:  # noqa: BLE001 - whatever another's server does: the bench says so and goes on
            run.why_not = f"{type(error).__name__}: {str(error)[:300]}; its last words: {_last_words(home)}"
            return run
    for one, own in zip(run.spent, alone, strict=True):
        if one.failed:  # tried in vain, then done without it
            one.requests += own.requests
    if server.choices:
        best_of(run, jobs, alone)
    return run


def best_of(run: Run, jobs: Sequence[Job], alone: Sequence[Spent]) -> None:
    """In another's favour: the director does itself what costs it less so.

    What continues an earlier job it can do itself only where it did that one itself: else it has not read the files.
    """
    done: dict[str, bool] = {"": True}
    for number, (job, one, own) in enumerate(zip(jobs, run.spent, alone, strict=True)):
        mine = done[job.name] = done[job.follows] and own.total < one.total
        if mine:
            run.spent[number] = own
        run.by_itself += mine


async def _do(run: Run, way: ways.Way, jobs: Sequence[Job], service: Service) -> None:
    for number, job in enumerate(jobs):
        before = service.heard + service.said
        spent = await way.do(job, number)
        run.free.append(service.heard + service.said - before)
        if spent.failed:
            run.failed.append(f"{job.name}: {spent.failed}")
            print(f"  {run.name} failed at {job.name}: {spent.failed}", file=sys.stderr)
        run.spent.append(spent)


async def listed(client: Client) -> int:
    """Tokens of a server's tools and instructions, as `bench.schema_tokens` counts them."""
    tools = [tool.model_dump(by_alias=True) for tool in (await client.list_tools()).tools]
    return tokens.count(tokens.tool_list(tools)) + tokens.count(client.instructions or "")


def _last_words(home: Path) -> str:
    return (home / "stderr.txt").read_text(encoding="utf-8", errors="replace")[-300:].strip()
