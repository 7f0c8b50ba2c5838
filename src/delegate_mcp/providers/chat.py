"""The chat-completions wire of OpenAI-compatible services: what is sent, and how its stream becomes an answer."""

import re
import time
from collections.abc import AsyncIterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.outcome import Completion, FinishReason
from delegate_mcp.domain.usage import RateLimit, Usage
from delegate_mcp.providers import failures
from delegate_mcp.providers.answers import asking_for_json, checked, closed, estimated
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.json_view import count, mapping, mappings, parse, text
from delegate_mcp.providers.registry import ProviderRow
from delegate_mcp.providers.streaming import DONE, events, to_the_end, whole

TAKES_EFFORT = re.compile(r"gpt-oss|gpt-[5-9]|(?:^|/)o\d|qwen-?3\.8")
"""Models that take reasoning_effort low, medium or high; others answer 400 to it."""

FINISH: Mapping[str, FinishReason] = {
    "stop": "stop", "end_turn": "stop", "eos": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length",
}  # fmt: skip
"""Finish reasons as services spell them; whatever else comes is `other`."""

BROKEN_OFF: Mapping[str, tuple[ErrorKind, str]] = {
    "content_filter": (ErrorKind.REFUSED, "refused the content"),
    "safety": (ErrorKind.REFUSED, "refused the content"),
    "error": (ErrorKind.OVERLOADED, "broke the answer off"),
    "insufficient_system_resource": (ErrorKind.OVERLOADED, "ran out of capacity within the answer"),
}
"""Finish reasons that make an answer none."""

_CHARS_A_TOKEN = 4


def request_body(row: ProviderRow, ask: Ask) -> dict[str, Any]:
    """The JSON body of one streamed chat completion."""
    options, messages = ask.options, ask.messages
    if ask.json_schema is not None and row.schema_mode not in {"json_schema", "json_object_of"}:
        messages = asking_for_json(messages, ask.json_schema)
    body: dict[str, Any] = {
        "model": ask.model,
        "messages": [{"role": message.role, "content": _sent(message)} for message in messages],
        "stream": True,
        "stream_options": {"include_usage": True},
        row.max_tokens_field: options.max_output_tokens,
    }
    if options.temperature is not None:
        body["temperature"] = options.temperature
    if options.reasoning_effort and row.reasoning_effort and TAKES_EFFORT.search(ask.model):
        body["reasoning_effort"] = options.reasoning_effort
    if ask.json_schema is not None and row.schema_mode == "json_schema":
        # `strict` is refused for a schema with optional or further properties, so it is asked for only where it fits.
        form = {"name": "answer", "schema": dict(ask.json_schema), "strict": closed(ask.json_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    elif ask.json_schema is not None and row.schema_mode == "json_object_of":
        body["response_format"] = {"type": "json_object", "schema": dict(ask.json_schema)}
    elif ask.json_schema is not None and row.schema_mode == "json_object":
        body["response_format"] = {"type": "json_object"}
    return {**body, **dict(row.extra_body)}


def _sent(message: Message) -> str | list[dict[str, Any]]:
    """Text alone as text, which every service takes; images stand before the words about them."""
    if not message.images:
        return message.text
    images = [{"type": "image_url", "image_url": {"url": image.data_url}} for image in message.images]
    return [*images, {"type": "text", "text": message.text}]


@dataclass(slots=True)
class Answer:
    """One answer as it arrives."""

    row: ProviderRow
    ask: Ask
    report: Report
    parts: list[str] = field(default_factory=list[str])
    chars: int = 0
    finish: str | None = None
    done: bool = False
    refused: bool = False
    usage: Usage | None = None
    cost_usd: Decimal | None = None
    model: str | None = None

    async def read(self, content_type: str, chunks: AsyncIterable[bytes]) -> None:
        """Take a whole response: a stream of events, or one JSON body of a service that does not stream."""
        if content_type.startswith("text/html"):
            raise self._error(ErrorKind.BAD_ANSWER, f"a web page came: check providers.{self.row.name}.base_url")
        try:
            if content_type.startswith("application/json"):
                self._take(await whole(chunks))
                self.done = True
                return
            async for event in events(to_the_end(chunks, lambda: self.chars if self.ended else None)):
                if event.strip() == DONE:
                    self.done = True
                elif not self.done:
                    self._take(event)
        except ProviderError as failure:
            failure.usage = failure.usage or self.used()
            raise

    @property
    def ended(self) -> bool:
        """Whether the service said that the answer is whole."""
        return self.done or self.finish is not None

    def used(self) -> Usage:
        """What the service reported, else an estimate."""
        return self.usage or estimated(self.ask, self._tokens())

    def completion(self, rate_limits: tuple[RateLimit, ...]) -> Completion:
        """The finished answer. Raises ProviderError where it is none."""
        if not self.ended:
            raise self._error(ErrorKind.BAD_ANSWER, f"the stream was cut after about {self._tokens()} tokens")
        reason = "content_filter" if self.refused else self.finish or "stop"
        if reason in BROKEN_OFF:
            raise self._error(*BROKEN_OFF[reason])
        finish = FINISH.get(reason, "other")
        return Completion(
            text=checked(self.row, "".join(self.parts), finish, self.used()),
            finish_reason=finish,
            usage=self.used(),
            rate_limits=rate_limits,
            model=self.model,
            cost_usd=self.cost_usd,
        )

    def _take(self, event: str | bytes) -> None:
        data = parse(event)
        if not isinstance(data, Mapping):
            raise self._error(ErrorKind.BAD_ANSWER, "a malformed piece came in the stream")
        chunk = mapping(cast("object", data))
        self.model = text(chunk.get("model")) or self.model
        self._take_usage(mapping(chunk.get("usage")) or mapping(mapping(chunk.get("x_groq")).get("usage")))
        choice = next(iter(mappings(chunk.get("choices"))), mapping(None))
        error = chunk.get("error") or mapping(chunk.get("x_groq")).get("error") or choice.get("error")
        error = error or (chunk if _flat_error(chunk) else None)
        if error and self.finish != "length":  # OpenRouter sends an error after the limit it already told
            raise failures.from_error_object(self.row, error, now=time.time())
        self._take_delta(mapping(choice.get("delta")) or mapping(choice.get("message")))
        self.finish = text(choice.get("finish_reason")) or self.finish

    def _take_delta(self, delta: Mapping[str, Any]) -> None:
        self.refused = self.refused or bool(text(delta.get("refusal")))
        content, thoughts = _content(delta)
        if content:
            self.parts.append(content)
        if content or thoughts:
            self.chars += len(content) + thoughts
            self.report(self._tokens())

    def _take_usage(self, usage: Mapping[str, Any]) -> None:
        if not usage:
            return
        details = mapping(usage.get("prompt_tokens_details"))
        cached = count(details.get("cached_tokens")) or count(usage.get("prompt_cache_hit_tokens"))
        self.usage = Usage(count(usage.get("prompt_tokens")), count(usage.get("completion_tokens")), cached)
        cost = usage.get("cost")
        if isinstance(cost, int | float):
            self.cost_usd = Decimal(str(cost))

    def _tokens(self) -> int:
        return -(-self.chars // _CHARS_A_TOKEN)

    def _error(self, kind: ErrorKind, what: str) -> ProviderError:
        return ProviderError(kind, f"{self.row.title}: {what}", usage=self.used())


def _flat_error(chunk: Mapping[str, Any]) -> bool:
    """Whether a body is itself an error (Mistral, Cerebras); others put it below `error`."""
    told = "message" in chunk or "detail" in chunk
    return chunk.get("object") == "error" or (told and "choices" not in chunk)


def _content(delta: Mapping[str, Any]) -> tuple[str, int]:
    """The piece of the answer in a delta, and how many characters of thought came with it."""
    content = delta.get("content")
    parts = mappings(content)  # Mistral's thinking models send parts
    said = text(content) + "".join(text(part.get("text")) for part in parts)
    thoughts = [text(delta.get("reasoning")) or text(delta.get("reasoning_content"))]
    thoughts += [text(thought.get("text")) for part in parts for thought in mappings(part.get("thinking"))]
    return said, sum(map(len, thoughts))
