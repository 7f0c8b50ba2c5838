import json

import anyio
import groq
import httpx
import pytest
from groq import AsyncGroq

from bench import quota_service
from bench.quota_service import FAST, Pace, Remote, running
from bench.service_books import DAY_S, Limits
from bench.wire import ANSWER
from delegate_mcp.domain.errors import ErrorKind
from delegate_mcp.providers import failures
from delegate_mcp.providers.registry import PROVIDERS

AT_ONCE = Pace(first_token_s=0.0)
GROQ = next(row for row in PROVIDERS if row.name == "groq")


async def ask(client: AsyncGroq, ceiling: int = 100) -> str:
    stream = await client.chat.completions.create(
        model=FAST, messages=[{"role": "user", "content": "hello"}], stream=True, max_completion_tokens=ceiling
    )
    return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])


def sdk(service: Remote) -> AsyncGroq:
    return AsyncGroq(api_key="k", base_url=service.base_url, max_retries=0)


async def test_of_a_burst_beyond_the_limit_the_rest_is_refused_and_counted() -> None:
    with running() as service:
        service.control({FAST: Limits(rpm=3)}, AT_ONCE)
        answers: list[str] = []
        refusals: list[groq.RateLimitError] = []

        async def one(client: AsyncGroq) -> None:
            try:
                answers.append(await ask(client))
            except groq.RateLimitError as error:
                refusals.append(error)

        async with sdk(service) as client, anyio.create_task_group() as tasks:
            for _ in range(5):
                tasks.start_soon(one, client)
        report = service.report()[FAST]
    assert answers == [ANSWER] * 3
    assert (report["admitted"], report["refused"], report["refused_by_window"]["RPM"]) == (3, 2, 2)
    assert report["peak_requests_a_minute"] == 3
    assert int(refusals[0].response.headers["retry-after"]) == 60
    assert "on requests per minute (RPM): Limit 3, Used 3, Requested 1." in str(refusals[0])


async def test_a_prompt_and_ceiling_over_the_tokens_a_minute_is_too_large() -> None:
    with running() as service:
        service.control({FAST: Limits(tpm=500)}, AT_ONCE)
        async with sdk(service) as client:
            with pytest.raises(groq.APIStatusError) as caught:
                await ask(client, ceiling=500)
        assert service.report()[FAST]["too_large"] == 1
    assert caught.value.status_code == 413


async def test_what_an_answer_used_takes_the_place_of_its_ceiling() -> None:
    with running() as service:
        service.control({FAST: Limits(tpm=1_000)}, Pace(first_token_s=0.0, output_tokens=(5, 5)))
        async with sdk(service) as client:
            assert await ask(client, ceiling=900) == ANSWER
            assert await ask(client, ceiling=800) == ANSWER
        assert service.report()[FAST]["tokens"] == 2 * (quota_service.TEMPLATE_TOKENS + 1 + 5)


async def test_a_refusal_is_read_by_our_own_code_as_groqs() -> None:
    with running() as service:
        service.control({FAST: Limits(rpd=1)}, AT_ONCE)
        async with sdk(service) as client, httpx.AsyncClient() as raw:
            assert await ask(client) == ANSWER
            answer = await raw.post(
                f"{service.base_url}/openai/v1/chat/completions",
                json={"model": FAST, "messages": [{"role": "user", "content": "hello"}]},
            )
    error = failures.from_response(GROQ, answer.status_code, answer.headers, answer.content, now=0.0)
    assert error.kind is ErrorKind.RATE_LIMITED
    day = [limit for limit in error.rate_limits if (limit.metric, limit.period) == ("requests", "day")]
    assert day
    assert all(limit.limit == 1 for limit in day)
    assert json.loads(answer.content)["error"]["code"] == "rate_limit_exceeded"


def test_the_day_ends_at_utc_midnight() -> None:
    assert quota_service.day_ends_in(20_000 * DAY_S + 1) == DAY_S - 1
