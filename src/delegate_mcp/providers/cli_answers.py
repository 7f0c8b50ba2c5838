"""How each CLI answers: its lines of JSON become text, usage, cost or an error.

To add a CLI: a subclass of CliAnswer that takes its events, named by the CLI's row in `cli_rows`. Everything is read by
key and may be missing: versions differ.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.outcome import Completion, FinishReason
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.providers.cli_answer import CliAnswer
from delegate_mcp.providers.json_view import count, mapping, parse, text


@dataclass(slots=True, kw_only=True)
class ClaudeAnswer(CliAnswer):
    """`claude -p --output-format stream-json` (or `json`: the same last object alone)."""

    limit: Mapping[str, Any] = field(default_factory=dict[str, Any])
    result: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def taken(self, event: Mapping[str, Any]) -> None:
        """Count what streams; the last object holds the answer."""
        match event.get("type"):
            case "stream_event":
                delta = mapping(mapping(event.get("event")).get("delta"))
                self.chars += sum(len(text(delta.get(key))) for key in ("text", "thinking", "partial_json"))
            case "rate_limit_event":
                self.limit = mapping(event.get("rate_limit_info"))
            case "result" | None if "is_error" in event or "result" in event or "subtype" in event:
                self.result, self.ended = event, True
            case _:
                pass

    def finished(self, finish: FinishReason = "stop", cost_usd: Decimal | None = ZERO) -> Completion:
        """API errors keep `subtype: success`, so `is_error` decides; a schema never met leaves no structured_output."""
        result = self.result
        self.usage = _claude_usage(result)
        if result.get("is_error") or text(result.get("subtype")).startswith("error"):
            raise self._error()
        if "local_command" in result:
            raise self.bad("read the prompt as one of its own commands")
        if self.schema_native and self.ask.json_schema is not None:
            if result.get("structured_output") is None:
                raise self.bad("never met the schema")
            self.parts = [json.dumps(result["structured_output"], ensure_ascii=False)]
        else:
            self.parts = [text(result.get("result"))]
        if result.get("stop_reason") == "max_tokens":
            finish = "length"
        cost = result.get("total_cost_usd")
        if self.bill_api:
            cost_usd = _usd(cost) if isinstance(cost, int | float) else None
        return CliAnswer.finished(self, finish, cost_usd)

    def model(self) -> str | None:
        """The model that wrote most."""
        used = mapping(self.result.get("modelUsage"))
        return max(used, key=lambda name: count(mapping(used[name]).get("outputTokens")), default=None)

    def _error(self) -> ProviderError:
        result, subtype = self.result, text(self.result.get("subtype"))
        if subtype == "error_max_structured_output_retries":
            return self.bad("never met the schema")
        if subtype.startswith("error_max"):
            return self.bad(f"stopped before its answer ({subtype})")
        if result.get("api_error") == "max_output_tokens":
            return self.bad("answered longer than the model's output limit")
        if result.get("stop_reason") == "refusal":
            return ProviderError(ErrorKind.REFUSED, f"{self.row.title} refused the content", usage=self.usage)
        status = result.get("api_error_status")
        said = text(result.get("result")) or " ".join(map(str, result.get("errors") or ()))
        failure = self.failed(said, status if isinstance(status, int) else None)
        resets_at = self.limit.get("resetsAt")
        if (
            failure.kind is ErrorKind.RATE_LIMITED
            and failure.retry_after_s is None
            and isinstance(resets_at, int | float)
        ):
            failure.retry_after_s = max(0.0, resets_at - self.now)
        return failure


@dataclass(slots=True, kw_only=True)
class CodexAnswer(CliAnswer):
    """`codex exec --json`."""

    def taken(self, event: Mapping[str, Any]) -> None:
        """The last agent message is the answer; what it says while it retries may end it here."""
        item = mapping(event.get("item"))
        match event.get("type"):
            case "item.completed" if item.get("type") in {"agent_message", "assistant_message"}:
                self.parts.clear()
                self.add(text(item.get("text")))
            case "turn.completed":
                used = mapping(event.get("usage"))
                cached = count(used.get("cached_input_tokens"))
                self.usage = Usage(count(used.get("input_tokens")), count(used.get("output_tokens")), cached)
                self.ended, self.failure = True, None
            case "turn.failed":
                self.failure = self.failed(text(mapping(event.get("error")).get("message")))
            case "error":
                self._complaint(text(event.get("message")))
            case _:
                pass

    def _complaint(self, message: str) -> None:
        """It tries five times and then waits for the network: the next candidate is not kept waiting for that."""
        known = self.known(message)
        if known is None or not message.startswith("Reconnecting"):
            self.failure = known or self.failed(message)  # `turn.failed` or `turn.completed` has the last word
        elif known.kind in {ErrorKind.AUTH, ErrorKind.RATE_LIMITED} or "waiting for network" in message:
            raise known

    def finished(self, finish: FinishReason = "stop", cost_usd: Decimal | None = ZERO) -> Completion:
        """It tells no cost: on the plan there is none, billed it is computed from prices."""
        return CliAnswer.finished(self, finish, None if self.bill_api else cost_usd)


_RETRY = re.compile(r"Attempt \d+ failed with status (\d{3})")


@dataclass(slots=True, kw_only=True)
class GeminiAnswer(CliAnswer):
    """`gemini -o stream-json` (or `json`: one object with `response` and `stats`)."""

    named: str | None = None

    def taken(self, event: Mapping[str, Any]) -> None:
        """Deltas of the assistant, then one result."""
        match event.get("type"):
            case "message" if event.get("role") == "assistant":
                self.add(text(event.get("content")))
            case "result":
                self._used(mapping(event.get("stats")))
                self.ended = event.get("status") != "error"
                if not self.ended and (self.failure is None or event.get("error")):
                    self.failure = self._failure(mapping(event.get("error")))
            case "error" if event.get("severity") == "error":
                self.failure = self.failed(text(event.get("message")))
            case None if "response" in event:
                self.add(text(event.get("response")))
                self._used(mapping(event.get("stats")))
                self.ended = True
            case None if "error" in event:
                self.failure = self._failure(mapping(event.get("error")))
            case _:
                pass

    def log_line(self, data: bytes) -> None:
        """It retries with a growing pause for minutes: a first refusal ends it, the next candidate is ready."""
        CliAnswer.log_line(self, data)
        if retry := _RETRY.search(data.decode("utf-8", "replace")):
            raise self.failed("", int(retry[1]))

    def model(self) -> str | None:
        """The model that read most."""
        return self.named

    def _failure(self, error: Mapping[str, Any]) -> ProviderError:
        message = text(error.get("message"))
        if "ModelNotFoundError" in self.said:
            return self.failed(message, 404)
        inner = mapping(mapping(parse(message[message.find("{") : message.rfind("}") + 1])).get("error"))
        code = inner.get("code")
        return self.failed(text(inner.get("message")) or message, code if isinstance(code, int) else None)

    def _used(self, stats: Mapping[str, Any]) -> None:
        models = {name: mapping(used) for name, used in mapping(stats.get("models")).items()}
        used = [mapping(model.get("tokens")) or model for model in models.values()] or [stats]
        read = sum(count(one.get("prompt")) or count(one.get("input_tokens")) for one in used)
        total = sum(count(one.get("total")) or count(one.get("total_tokens")) for one in used)
        wrote = sum(count(one.get("candidates")) or count(one.get("output_tokens")) for one in used)
        if read or wrote:  # thoughts stand in the total only
            self.usage = Usage(read, max(wrote, total - read), sum(count(one.get("cached")) for one in used))
        self.named = max(models, key=lambda name: _read_by(models[name]), default=None)


@dataclass(slots=True, kw_only=True)
class OpencodeAnswer(CliAnswer):
    """`opencode run --format json`."""

    cost_usd: Decimal = ZERO
    reason: FinishReason = "stop"
    retries: int = 0

    def taken(self, event: Mapping[str, Any]) -> None:
        """Parts of text between the beginning and the end of each step; the last step's text is the answer."""
        part = mapping(event.get("part"))
        match event.get("type"):
            case "step_start":
                self.parts.clear()
                self.ended = False
            case "text":
                self.add(text(part.get("text")))
            case "step_finish":
                self._step(part)
            case "error":
                error = mapping(event.get("error"))
                data = mapping(error.get("data"))
                status = data.get("statusCode")
                message = f"{text(error.get('name'))}: {text(data.get('message'))}"
                self.failure = self.failed(message, status if isinstance(status, int) else None)
            case _:
                pass

    def log_line(self, data: bytes) -> None:
        """It retries without an end, says so only in its log, and there without a status: the second time ends it."""
        CliAnswer.log_line(self, data)
        line = data.decode("utf-8", "replace")
        if "stream error" not in line:
            return
        known = self.known(line)
        if known is not None and known.kind in {ErrorKind.RATE_LIMITED, ErrorKind.OVERLOADED}:
            raise known
        if self.retries:
            raise self.failed("overloaded")
        self.retries += 1

    def finished(self, finish: FinishReason = "stop", cost_usd: Decimal | None = ZERO) -> Completion:
        """It tells what its account was billed: nothing where that is a plan."""
        return CliAnswer.finished(self, self.reason if finish == "stop" else finish, self.cost_usd + (cost_usd or ZERO))

    def _step(self, part: Mapping[str, Any]) -> None:
        tokens = mapping(part.get("tokens"))
        cache, before = mapping(tokens.get("cache")), self.usage or Usage()
        read = count(cache.get("read"))
        self.usage = Usage(
            before.input_tokens + count(tokens.get("input")) + read + count(cache.get("write")),
            before.output_tokens + count(tokens.get("output")) + count(tokens.get("reasoning")),
            before.cache_read_tokens + read,
        )
        cost, reason = part.get("cost"), part.get("reason")
        self.cost_usd += _usd(cost) if isinstance(cost, int | float) else ZERO
        self.reason = "length" if reason == "length" else "stop"
        self.ended = reason != "tool-calls"


def _claude_usage(result: Mapping[str, Any]) -> Usage:
    """Tokens of all turns; `input_tokens` of the CLI leaves out what was read from and written to the cache."""
    used = mapping(result.get("usage"))
    read = count(used.get("cache_read_input_tokens"))
    return Usage(
        count(used.get("input_tokens")) + read + count(used.get("cache_creation_input_tokens")),
        count(used.get("output_tokens")),
        read,
    )


def _read_by(model: Mapping[str, Any]) -> int:
    tokens = mapping(model.get("tokens")) or model
    return count(tokens.get("prompt")) or count(tokens.get("input_tokens"))


def _usd(cost: float) -> Decimal:
    """Without the last digits that adding floats leaves."""
    return Decimal(str(round(cost, 9)))
