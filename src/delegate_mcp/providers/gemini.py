"""Gemini, over google-genai: streamed, asked once, with thoughts kept out of the answer."""

import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import httpx
from google import genai
from google.genai import errors, types

from delegate_mcp.domain.brief import Message
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.listed import ListedModel
from delegate_mcp.domain.outcome import Completion, FinishReason
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers import failures
from delegate_mcp.providers.answers import asking_for_json, checked, estimated
from delegate_mcp.providers.base import Ask, Report
from delegate_mcp.providers.connection import Passed, connect_limit, http_client, usable_key
from delegate_mcp.providers.list_request import fetch_list
from delegate_mcp.providers.registry import ProviderRow
from delegate_mcp.providers.streaming import bounded, to_the_end

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

FINISH: Mapping[str, FinishReason] = {"STOP": "stop", "MAX_TOKENS": "length", "CONTINUATION": "length"}
"""Finish reasons of an answer; whatever else comes with text is `other`."""

REFUSALS = frozenset(
    {"SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "LANGUAGE", "IMAGE_SAFETY", "ESCALATION"}
)
"""Finish reasons with which Gemini declines."""

THINKING: tuple[tuple[str, Mapping[str, types.ThinkingConfig]], ...] = (
    (
        "gemini-2.5",
        {
            effort: types.ThinkingConfig(include_thoughts=True, thinking_budget=budget)
            for effort, budget in (("low", 1024), ("medium", 8192), ("high", 24576))
        },
    ),
    (
        "gemini-",
        {
            effort: types.ThinkingConfig(include_thoughts=True, thinking_level=types.ThinkingLevel(effort.upper()))
            for effort in ("low", "medium", "high")
        },
    ),
)
"""How a model is told its effort, by the beginning of its name. Thoughts come along as a sign of life."""

MALFORMED = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What the SDK raises over JSON that is not of the API's form, beside its own errors."""

_VERSIONED = re.compile(r"(.+?)/+(v\d\w*)/*")
_CHARS_A_TOKEN = 4
_LIST_VERSION = "v1beta"
"""Of the versions of the API the one that lists previews and says which models think."""


class GeminiProvider:
    """The registry row of the wire `gemini`. A base URL may end in an API version; else the SDK's own is used."""

    def __init__(
        self, row: ProviderRow, *, base_url: str, api_key: str, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._row = row
        versioned = _VERSIONED.fullmatch(base_url)
        self._base_url, self._api_version = (versioned[1], versioned[2]) if versioned else (base_url, None)
        self._api_key = api_key
        self._transport = transport

    @property
    def name(self) -> str:
        """The registry row's name."""
        return self._row.name

    async def complete(self, ask: Ask, report: Report) -> Completion:
        """Answer once, over one streamed request."""
        answer = _Answer(self._row, ask, report)
        connect_ms = max(1, round(ask.connect_timeout_s * 1000))
        contents, config = _request(ask, types.HttpOptions(timeout=connect_ms))
        try:
            models: Any = self._client.aio.models  # its signature names types of packages that are optional
            stream = await models.generate_content_stream(model=ask.model, contents=contents, config=config)
            async with aclosing(cast("AsyncGenerator[types.GenerateContentResponse, None]", stream)) as chunks:
                async for chunk in to_the_end(self._well_formed(chunks), answer.ended):
                    answer.take(chunk)
        except errors.APIError as error:
            failure = self._failure(error)
            failure.usage = answer.used() if answer.begun else None
            raise failure from error
        except ProviderError as failure:
            failure.usage = answer.used()
            raise
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            if answer.finish is None:  # a connection that breaks after the end has lost nothing
                raise failures.from_transport(self._row, error, answer.used() if answer.begun else None) from error
        return answer.completion()

    async def list_models(self) -> tuple[ListedModel, ...]:
        """The models that generate text content right now."""
        address = f"{self._base_url.rstrip('/')}/{self._api_version or _LIST_VERSION}"
        headers = {"x-goog-api-key": usable_key(self._row, self._api_key)}
        return await fetch_list(self._row, address, headers, self._transport)

    async def aclose(self) -> None:
        """Close connections."""
        if "_http" in self.__dict__:
            await self._http.aclose()
        if "_client" in self.__dict__:
            self._client.close()

    async def _well_formed(
        self, chunks: "AsyncGenerator[types.GenerateContentResponse, None]"
    ) -> AsyncIterator[types.GenerateContentResponse]:
        try:
            async for chunk in chunks:
                yield chunk
        except MALFORMED as error:  # the SDK's own text would repeat the answer
            raise ProviderError.bad_answer(f"{self._row.title}: a malformed piece came in the stream") from error

    def _failure(self, error: errors.APIError) -> ProviderError:
        told: Any = error  # the types of its fields come from packages that are optional
        status = told.code if isinstance(told.code, int) else 500
        headers, body = httpx.Headers(), told.details
        if isinstance(told.response, httpx.Response):  # of a web page the SDK makes a message
            headers, body = told.response.headers, told.response.content
        return failures.from_response(self._row, status, headers, body, now=time.time())

    @cached_property
    def _http(self) -> httpx.AsyncClient:
        client = http_client(self._row, self._base_url, {}, self._transport)
        client.event_hooks["request"].append(_limit_connecting_only)
        client.event_hooks["response"].append(_bound_lines)
        return client

    @cached_property
    def _client(self) -> genai.Client:
        options = types.HttpOptions(
            base_url=self._base_url, api_version=self._api_version, httpx_async_client=self._http
        )
        return genai.Client(vertexai=False, api_key=usable_key(self._row, self._api_key), http_options=options)


async def _limit_connecting_only(request: httpx.Request) -> None:
    """The SDK has one timeout for everything and tells it to the service; ours limits connecting only."""
    timeout: dict[str, float | None] = request.extensions.get("timeout", {})
    connect_s = timeout.get("connect")
    if connect_s is not None:
        request.extensions = {**request.extensions, "timeout": connect_limit(connect_s).as_dict()}
    request.headers.pop("x-server-timeout", None)


async def _bound_lines(response: httpx.Response) -> None:
    """The SDK holds a line until it is whole."""
    if response.is_success and isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = Passed(response.stream, bounded)


def _request(ask: Ask, http_options: types.HttpOptions) -> tuple[list[Any], types.GenerateContentConfig]:
    """Contents and config of one ask. Grounding and a native schema exclude each other: then the schema is words."""
    options, messages, schema = ask.options, ask.messages, ask.json_schema
    if schema is not None and options.web_search:
        messages, schema = asking_for_json(messages, schema), None
    contents = [
        types.Content(role="model" if message.role == "assistant" else "user", parts=_parts(message))
        for message in messages
        if message.role != "system"
    ]
    config = types.GenerateContentConfig(
        http_options=http_options,
        system_instruction="\n\n".join(message.text for message in messages if message.role == "system") or None,
        max_output_tokens=options.max_output_tokens,
        temperature=options.temperature,
        thinking_config=_thinking(ask),
        response_mime_type="application/json" if schema is not None else None,
        response_json_schema=dict(schema) if schema is not None else None,
        tools=[types.Tool(google_search=types.GoogleSearch())] if options.web_search else None,
        automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        automatic_continuation=False,
    )
    return list(contents), config


def _parts(message: Message) -> list[types.Part]:
    """Images before the words about them."""
    images = [types.Part.from_bytes(data=image.data, mime_type=image.media_type) for image in message.images]
    return [*images, types.Part(text=message.text)]


def _thinking(ask: Ask) -> types.ThinkingConfig | None:
    effort = ask.options.reasoning_effort
    table = next((table for start, table in THINKING if ask.model.startswith(start)), None)
    return table[effort] if table and effort else None


@dataclass(slots=True)
class _Answer:
    """One answer as it arrives."""

    row: ProviderRow
    ask: Ask
    report: Report
    parts: list[str] = field(default_factory=list[str])
    chars: int = 0
    begun: bool = False
    finish: str | None = None
    blocked: bool = False
    usage: Usage | None = None
    model: str | None = None
    sources: dict[str, None] = field(default_factory=dict[str, None])

    def take(self, chunk: types.GenerateContentResponse) -> None:
        """Add one piece."""
        self.begun = True
        self.model = chunk.model_version or self.model
        if chunk.prompt_feedback and chunk.prompt_feedback.block_reason:
            self.blocked = True
        if chunk.usage_metadata:
            self.usage = _usage(chunk.usage_metadata)
        for candidate in (chunk.candidates or [])[:1]:
            if candidate.finish_reason:
                self.finish = candidate.finish_reason.value
            self._take_parts(candidate.content.parts or [] if candidate.content else [])
            grounding = candidate.grounding_metadata
            for source in (grounding.grounding_chunks or []) if grounding else []:
                if source.web and source.web.uri:
                    self.sources[source.web.uri] = None

    def ended(self) -> int | None:
        """The length of an answer whose end was told."""
        return None if self.finish is None else self.chars

    def used(self) -> Usage:
        """What Gemini reported, else an estimate."""
        return self.usage or estimated(self.ask, self._tokens())

    def completion(self) -> Completion:
        """The finished answer. Raises ProviderError where it is none."""
        if self.blocked or self.finish in REFUSALS:
            raise self._error(ErrorKind.REFUSED, "refused the content")
        if self.finish is None:
            raise self._error(ErrorKind.BAD_ANSWER, f"the stream was cut after about {self._tokens()} tokens")
        finish = FINISH.get(self.finish, "other")
        return Completion(
            text=checked(self.row, "".join(self.parts), finish, self.used()),
            finish_reason=finish,
            usage=self.used(),
            model=self.model,
            sources=tuple(self.sources),
        )

    def _take_parts(self, parts: list[types.Part]) -> None:
        for part in parts:
            if part.text and not part.thought:
                self.parts.append(part.text)
            if part.text:
                self.chars += len(part.text)
                self.report(self._tokens())

    def _tokens(self) -> int:
        return -(-self.chars // _CHARS_A_TOKEN)

    def _error(self, kind: ErrorKind, what: str) -> ProviderError:
        return ProviderError(kind, f"{self.row.title}: {what}", usage=self.used())


def _usage(told: types.GenerateContentResponseUsageMetadata) -> Usage:
    """Thoughts are output; what tools fetched is input."""
    return Usage(
        (told.prompt_token_count or 0) + (told.tool_use_prompt_token_count or 0),
        (told.candidates_token_count or 0) + (told.thoughts_token_count or 0),
        told.cached_content_token_count or 0,
    )
