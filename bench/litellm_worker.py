"""One process of LiteLLM's Router under the same load; runs in a venv of its own, with nothing of ours but this file.

The Router is set as its documentation says for limits: `usage-based-routing-v2` with the limits on the deployments, and
retries that wait as the refusal says. Without Redis its processes share nothing. (The check `enforce_model_rate_limits`
beside that strategy counts every request twice on one key, which halves the limit; so it is left off.)
"""

import asyncio
import json
import logging
import os
import sys
import time
from collections import Counter
from typing import Any

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # read at import: no price list is fetched

import litellm  # pyright: ignore[reportMissingImports]
from litellm import Router  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

logging.getLogger("LiteLLM Router").setLevel(logging.CRITICAL)
logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)


def deployment(name: str, model: str, asked: dict[str, Any], limits: dict[str, int]) -> dict[str, Any]:
    """One row of the Router's model list."""
    where = {"model": f"groq/{model}", "api_base": f"{asked['base_url']}/openai/v1", "api_key": "bench"}
    return {"model_name": name, "litellm_params": where | limits}


def build(asked: dict[str, Any]) -> Any:
    """The Router with the limits and fallbacks that ours has."""
    wait = asked["on_limit"] == "wait"
    return Router(  # pyright: ignore[reportUnknownVariableType] - it is not installed where this is checked
        model_list=[
            deployment("quick", asked["model"], asked, asked["limits"]),
            deployment("second", asked["second"], asked, asked["limits"]),
            deployment("warm", asked["warm"], asked, {}),
        ],
        fallbacks=[] if wait else [{"quick": ["second"]}],
        routing_strategy="usage-based-routing-v2",
        retry_policy={"RateLimitErrorRetries": asked["retries"]} if wait else None,
        num_retries=asked["retries"] if wait else 2,
        retry_after=1,
        timeout=asked["deadline_s"],
    )


async def run(asked: dict[str, Any]) -> None:
    """Warm up, wait for the word, and make all calls at once."""
    litellm.suppress_debug_info = True
    router = build(asked)
    answered: Counter[str] = Counter()
    errors: list[str] = []
    seconds: list[float] = []

    async def ask(name: str, prompt: str) -> None:
        began = time.perf_counter()
        messages = [{"role": "user", "content": prompt}]
        stream = await router.acompletion(name, messages=messages, stream=True, max_tokens=asked["max_tokens"])
        models = [chunk.model async for chunk in stream]
        answered[models[-1]] += 1
        seconds.append(time.perf_counter() - began)

    async def call(number: int) -> None:
        prompt = f"In one short sentence, what is said of {asked['name']} {number}?"
        try:
            await asyncio.wait_for(ask("quick", prompt), asked["deadline_s"])
        except Exception as error:  # noqa: BLE001 - every failed call is counted
            errors.append(f"{type(error).__name__}: {str(error)[:300]}")

    await ask("warm", "warm up")
    answered.clear()
    seconds.clear()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await asyncio.gather(*(call(number) for number in range(asked["calls"])))
    print(json.dumps({"answered": answered, "errors": errors, "seconds": seconds}), flush=True)


if __name__ == "__main__":
    asyncio.run(run(json.loads(sys.argv[1])))
