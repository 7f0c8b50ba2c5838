"""OpenRouter's own page about an account's quota: asked beside the first answer, then every ten minutes."""

import httpx

from delegate_mcp.domain.brief import Message
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider
from delegate_mcp.providers.quota_aware import EVERY_S, QuotaAwareProvider
from delegate_mcp.providers.registry import BY_NAME
from tests.fakes.openai_service import OpenAIService, answering

ASK = Ask(model="m", messages=(Message("user", "hi"),))


async def test_the_page_is_asked_beside_the_first_answer_and_again_after_a_while() -> None:
    now = [0.0]
    pages = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal pages
        if request.method == "POST":
            return answering("hello")
        pages += 1
        return httpx.Response(200, json={"data": {"free_model_daily_requests": {"limit": 50, "remaining": 50 - pages}}})

    inner = OpenAICompatibleProvider(
        BY_NAME["openrouter"], base_url="http://127.0.0.1:1/v1", api_key="k", transport=OpenAIService(answer)
    )
    provider = QuotaAwareProvider(inner, lambda: now[0])
    told = [(await provider.complete(ASK, lambda _: None)).rate_limits for _ in range(2)]
    now[0] = EVERY_S
    told.append((await provider.complete(ASK, lambda _: None)).rate_limits)
    await provider.aclose()
    assert pages == 2
    assert [[(limit.limit, limit.remaining, limit.scope) for limit in limits] for limits in told] == [
        [(50, 49, "account")],
        [],
        [(50, 48, "account")],
    ]
