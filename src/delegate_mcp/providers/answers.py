"""What makes a text an answer: without thoughts, and not empty. Whether JSON meets its schema is delivery's to say."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.outcome import FinishReason
from delegate_mcp.domain.usage import Usage, estimate_tokens
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.registry import ProviderRow

_THOUGHT = re.compile(r"\s*<(think|thinking)>.*?(?:</\1>|\Z)\s*", re.DOTALL)


def checked(row: ProviderRow, text: str, finish: FinishReason, usage: Usage) -> str:
    """The answer in a model's text. Raises ProviderError (bad_answer) where there is none."""
    answer = without_thoughts(text).strip()
    if not answer:
        what = "an empty answer"
        if finish == "length":
            what = f"all {usage.output_tokens:,} output tokens went into reasoning: lower the effort or raise the limit"
        raise ProviderError.bad_answer(f"{row.title}: {what}", usage=usage)
    return answer


def without_thoughts(text: str) -> str:
    """The text without `<think>…</think>` blocks at its beginning; an unclosed one takes all."""
    while found := _THOUGHT.match(text):
        text = text[found.end() :]
    return text


def estimated(ask: Ask, output_tokens: int) -> Usage:
    """The usage where a service reported none; no answer is longer than its ceiling."""
    most = min(output_tokens, ask.options.max_output_tokens)
    read = sum(estimate_tokens(message.text) for message in ask.messages)
    seen = sum(image.tokens for message in ask.messages for image in message.images)
    return Usage(read + seen, most, estimated=True)


def asking_for_json(messages: tuple[Message, ...], schema: Mapping[str, Any]) -> tuple[Message, ...]:
    """The messages with the schema in words, at the end of what the system says."""
    words = (
        f"Answer with one JSON value of this JSON schema, without a code fence or any other text:\n{json.dumps(schema)}"
    )
    system = [message.text for message in messages if message.role == "system"]
    others = [message for message in messages if message.role != "system"]
    return (Message("system", "\n\n".join([*system, words])), *others)


def closed(schema: object) -> bool:
    """Whether every object of the schema requires all its properties and no others: what `strict` admits."""
    if isinstance(schema, list):
        return all(map(closed, cast("list[object]", schema)))
    if not isinstance(schema, Mapping):
        return True
    node = cast("Mapping[str, Any]", schema)
    if node.get("type") == "object" or "properties" in node:
        properties: Mapping[str, Any] = node.get("properties") or {}
        if node.get("additionalProperties") is not False or set(node.get("required") or ()) != set(properties):
            return False
    return all(map(closed, node.values()))
