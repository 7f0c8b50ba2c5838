import httpx
import pytest
from groq import AsyncGroq
from groq.types.chat import ChatCompletionChunk

from bench import stand_in
from bench.wire import ANSWER, WORDS


async def test_the_groq_sdk_reads_the_stand_ins_stream_to_its_end_with_usage() -> None:
    with stand_in.running() as base_url:
        async with AsyncGroq(api_key="k", base_url=base_url, max_retries=0) as groq:
            chunks: list[ChatCompletionChunk] = []
            for _ in range(2):  # the second call goes over the kept connection
                stream = await groq.chat.completions.create(
                    model=stand_in.MODELS[0], messages=[{"role": "user", "content": "hello"}], stream=True
                )
                chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == ANSWER
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert chunks[-1].x_groq is not None
    assert chunks[-1].x_groq.usage is not None
    assert chunks[-1].x_groq.usage.completion_tokens == len(WORDS)


@pytest.mark.parametrize(("path", "status"), [("/openai/v1/models", 200), ("/nothing", 404)])
async def test_what_is_not_a_chat_is_answered_too(path: str, status: int) -> None:
    with stand_in.running() as base_url:
        async with httpx.AsyncClient() as client:
            assert (await client.get(base_url + path)).status_code == status
