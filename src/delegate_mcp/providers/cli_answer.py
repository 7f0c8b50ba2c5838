"""One answer of a CLI as it arrives: what all of them share. Each CLI's own events stand in `cli_answers`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from delegate_mcp.domain.errors import ProviderError
from delegate_mcp.domain.outcome import Completion, FinishReason
from delegate_mcp.domain.usage import ZERO, Usage
from delegate_mcp.providers.answers import checked, estimated
from delegate_mcp.providers.base import Ask
from delegate_mcp.providers.cli_failures import Mending, classified
from delegate_mcp.providers.error_body import fit_to_show
from delegate_mcp.providers.json_view import mapping, parse
from delegate_mcp.providers.registry import ProviderRow

_CHARS_A_TOKEN = 4
_MOST_JUNK = 1_000_000


@dataclass(slots=True, kw_only=True)
class CliAnswer:
    """One answer as it arrives; `taken` may raise a ProviderError to end a CLI that would go on retrying by itself."""

    row: ProviderRow
    mending: Mending
    ask: Ask
    bill_api: bool
    now: float
    """Unix time, for limits that tell when they reset."""
    schema_native: bool = False
    """Whether the CLI itself was given the schema."""
    parts: list[str] = field(default_factory=list[str])
    chars: int = 0
    ended: bool = False
    """Whether the CLI said that its answer is whole."""
    usage: Usage | None = None
    failure: ProviderError | None = None
    junk: list[str] = field(default_factory=list[str])
    """What came on stdout and is no event: an object printed on several lines, or garbage."""
    junk_chars: int = 0
    said: str = ""
    """The last lines of stderr: classified, never shown."""

    @property
    def tokens(self) -> int:
        """Output tokens so far (an estimate)."""
        return -(-self.chars // _CHARS_A_TOKEN)

    def line(self, data: bytes) -> None:
        """Take a line of stdout."""
        event = parse(data)
        if isinstance(event, Mapping):
            self.taken(mapping(event))  # pyright: ignore[reportUnknownArgumentType] - any JSON object
        elif self.junk_chars < _MOST_JUNK:
            self.junk.append(data.decode("utf-8", "replace"))
            self.junk_chars += len(data)

    def log_line(self, data: bytes) -> None:
        """Take a line of stderr."""
        self.said = f"{self.said}\n{data.decode('utf-8', 'replace')}"[-4_000:]

    def taken(self, event: Mapping[str, Any]) -> None:
        """Take one event."""
        raise NotImplementedError

    def completion(self, code: int) -> Completion:
        """The answer, once the CLI has ended with that exit code. Raises ProviderError where it is none."""
        if not self.ended and self.failure is None and (whole := mapping(parse("\n".join(self.junk)))):
            self.taken(whole)
        if self.failure is not None:
            raise self.failure
        if not self.ended:
            raise self._unfinished(code)
        return self.finished()

    def finished(self, finish: FinishReason = "stop", cost_usd: Decimal | None = ZERO) -> Completion:
        """The answer out of what came."""
        usage = self.usage or estimated(self.ask, self.tokens)
        answer = checked(self.row, "".join(self.parts), finish, usage)
        return Completion(text=answer, finish_reason=finish, usage=usage, cost_usd=cost_usd, model=self.model())

    def model(self) -> str | None:
        """The model as the CLI names it in its answer."""
        return None

    def add(self, piece: str) -> None:
        """A piece of the answer."""
        self.parts.append(piece)
        self.chars += len(piece)

    def failed(self, message: str, status: int | None = None) -> ProviderError:
        """The error that a complaint is; unknown ones are bad answers that quote it."""
        known = self.known(message, status)
        if known is not None:
            return known
        quoted = fit_to_show(message)
        failure = self.bad(f"failed: {quoted}" if quoted else "failed and did not say why")
        failure.status = status
        return failure

    def known(self, message: str, status: int | None = None) -> ProviderError | None:
        """The error that a complaint is, where a rule knows it."""
        return classified(self.row, self.mending, message, now=self.now, status=status, usage=self.used())

    def bad(self, what: str) -> ProviderError:
        """An answer that is none."""
        return ProviderError.bad_answer(f"{self.row.title} {what}", usage=self.used())

    def used(self) -> Usage | None:
        """What it reported, else an estimate of what came; None where nothing did."""
        return self.usage or (estimated(self.ask, self.tokens) if self.chars else None)

    def _unfinished(self, code: int) -> ProviderError:
        """No whole answer came: stderr may say why, but is not shown, since it may repeat the prompt."""
        known = self.known(self.said) or self.known("\n".join(self.junk)[:4_000]) if code > 0 else None
        if known is not None:
            return known
        by_hand = f"run `{self.row.command}` by hand to see why"
        if code < 0:
            return self.bad(f"was ended by signal {-code} before it answered")
        if code:
            return self.bad(f"ended with exit code {code} and no answer: {by_hand}")
        if self.junk_chars:
            return self.bad(f"wrote something other than its JSON: {by_hand}")
        return self.bad("ended without an answer")
