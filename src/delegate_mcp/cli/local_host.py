"""What `delegate-mcp local` does with the model host of this machine: see it, keep it up, end it, measure a model."""

import argparse
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import anyio
import httpx

from delegate_mcp.cli.running import print_json, print_table
from delegate_mcp.config.loading import load_settings
from delegate_mcp.config.settings import LocalSettings
from delegate_mcp.domain.errors import InputError, ProviderError
from delegate_mcp.local import control
from delegate_mcp.local.host_client import HostAddress
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.local.models import LocalModel
from delegate_mcp.platforms import cache_dir
from delegate_mcp.providers.registry import PROVIDERS

_GB = 1_000_000_000
_AT_ONCE = 4
_OUTPUT_TOKENS = 64
# About two hundred tokens that no prompt cache has: each run counts from another number.
_PROMPT = "Continue counting in words: {} Then say in one sentence what a lighthouse is for."


def local_settings() -> LocalSettings:
    """`[local]` of this person."""
    names = [row.name for row in PROVIDERS]
    return load_settings(os.environ, cwd=Path.cwd(), user_home=Path.home(), providers=names).settings.local


def json_argument(parser: argparse.ArgumentParser) -> None:
    """The one option of actions that show something."""
    parser.add_argument("--json", action="store_true", help="print it as JSON")


def no_arguments(parser: argparse.ArgumentParser) -> None:
    """An action without options."""
    parser.set_defaults()


def bench_arguments(parser: argparse.ArgumentParser) -> None:
    """Which model."""
    parser.add_argument("model", metavar="NAME", nargs="?", help="a model that is here; default: the first")
    json_argument(parser)


async def status(args: argparse.Namespace) -> int:
    """Show the host and what it holds."""
    now = time.time()
    hosts = await control.status(os.environ, now)
    if args.json:
        print_json([{key: value for key, value in asdict(host).items() if key != "secret"} for host in hosts])
        return 0
    for host in hosts:
        idle = f"idle for {now - host.idle_since:.0f} s" if host.idle_since is not None else "at work"
        print(f"The model host runs (pid {host.pid}, {host.base_url}), {idle}; {len(host.users)} processes use it.")
        print_table(
            [
                (
                    f"  {model.name}",
                    model.engine,
                    f"{model.bytes_ram / _GB:.1f} GB RAM, {model.bytes_vram / _GB:.1f} GB GPU",
                    f"{model.context_tokens:,} tokens in each of {model.slots}",
                    f"{model.uses} under way",
                )
                for model in host.models
            ]
        )
    if not hosts:
        print("No model host runs. It starts at the first local call, or with `delegate-mcp local serve`.")
    return 0


async def stop(_args: argparse.Namespace) -> int:
    """End the host with its models."""
    print("The model host has ended." if await control.stop(os.environ) else "No model host runs.")
    return 0


async def serve(_args: argparse.Namespace) -> int:
    """Keep the host up until Ctrl-C, also when nobody asks."""

    def started(base_url: str, key_file: Path) -> None:
        print(f"OpenAI API at {base_url}; its key is `secret` in {key_file}. Ctrl-C ends it.", flush=True)

    ending = await control.serve(local_settings(), cache_dir(os.environ), os.environ, started)
    print(ending, file=sys.stderr)
    return 1


async def bench(args: argparse.Namespace) -> int:
    """Measure a model as a call has it: through the host."""
    keeper = Keeper(local_settings(), cache_dir(os.environ), os.environ)
    try:
        facts = await _measure(keeper, _chosen(keeper, args.model))
    finally:
        await keeper.aclose()
    if args.json:
        print_json(facts)
        return 0
    print_table([(name.replace("_", " "), f"{value:,.1f}" if isinstance(value, float) else str(value))
                 for name, value in facts.items()])  # fmt: skip
    return 0


def _chosen(keeper: Keeper, name: str | None) -> LocalModel:
    models = keeper.models()
    found = next((model for model in models if name in {None, model.name}), None)
    if found is None:
        there = ", ".join(model.name for model in models) or "none; `delegate-mcp local pull` fetches one"
        raise InputError(f"There is no local model {name or ''}. Here: {there}.")
    return found


async def _measure(keeper: Keeper, model: LocalModel) -> dict[str, Any]:
    began = time.monotonic()
    async with keeper.using(model.name) as use, _client(use.address) as client:
        ready = time.monotonic()
        one = await _ask(client, model, 1)
        alone = time.monotonic()
        together: list[dict[str, Any]] = []

        async def ask(number: int) -> None:
            together.append(await _ask(client, model, number))

        async with anyio.create_task_group() as tasks:
            for number in range(_AT_ONCE):
                tasks.start_soon(ask, 100 * number + 7)
        ended = time.monotonic()
    timings: dict[str, Any] = one.get("timings") or {}
    written = sum(int(answer["usage"]["completion_tokens"]) for answer in together)
    if timings:
        speeds = {
            "prompt_tokens_per_second": float(timings["prompt_per_second"]),
            "output_tokens_per_second": float(timings["predicted_per_second"]),
        }
    else:  # an engine that does not time itself
        whole = one["usage"]["completion_tokens"] / (alone - ready)
        speeds = {"output_tokens_per_second_with_reading_the_prompt": whole}
    return {
        "model": model.name,
        "seconds_until_it_could_be_asked": ready - began,
        **speeds,
        f"output_tokens_per_second_of_{_AT_ONCE}_at_once": written / (ended - alone),
    }


def _client(address: HostAddress) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {address.secret}"}
    return httpx.AsyncClient(base_url=f"{address.base_url}/", headers=headers, trust_env=False, timeout=600.0)


async def _ask(client: httpx.AsyncClient, model: LocalModel, number: int) -> dict[str, Any]:
    prompt = _PROMPT.format(", ".join(str(number + step) for step in range(40)))
    asked = {
        "model": model.name,
        "messages": [{"role": "user", "content": prompt}],
        "max_tokens": _OUTPUT_TOKENS,
        "ignore_eos": True,
        **dict(model.sampling),
    }
    response = await client.post("chat/completions", json=asked)
    if response.is_error:
        raise ProviderError.network(f"{model.name} answered with {response.status_code}")
    answer: dict[str, Any] = response.json()
    return answer
