"""The books of a service that enforces its limits on one model: sliding minutes, a UTC day; pure, time is passed in.

Written apart from the ledger's arithmetic on purpose: this is who judges it.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MINUTE_S = 60.0
DAY_S = 86_400.0
ROOMY_REQUESTS = 1_000_000
ROOMY_TOKENS = 100_000_000

NAMES: Mapping[str, str] = {
    "RPM": "requests per minute (RPM)",
    "TPM": "tokens per minute (TPM)",
    "RPD": "requests per day (RPD)",
}
"""How Groq calls its windows in a refusal."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one model allows; what is not given is more than a bench can use."""

    rpm: int = ROOMY_REQUESTS
    tpm: int = ROOMY_TOKENS
    rpd: int = ROOMY_REQUESTS


@dataclass(slots=True)
class Admitted:
    """A request that was let in; it counts from its arrival, with its ceiling until it is settled."""

    at: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A request beyond a limit."""

    window: str
    limit: int
    used: int
    requested: int
    retry_after_s: float


@dataclass(slots=True)
class Books:
    """One model. `now` never runs backwards; the day is that of the clock that is passed in."""

    limits: Limits = Limits()
    admitted: int = 0
    tokens: int = 0
    """Of settled requests, and the ceilings of running ones."""
    refused: dict[str, int] = field(default_factory=lambda: dict.fromkeys(NAMES, 0))
    too_large: int = 0
    per_minute: list[int] = field(default_factory=list[int])
    """Requests let in, by whole minutes since the first."""
    peak_requests: int = 0
    peak_tokens: int = 0
    first_at: float | None = None
    last_at: float = 0.0
    """When the last request was let in: then there was demand still."""
    _minute: deque[Admitted] = field(default_factory=deque[Admitted])
    _minute_tokens: int = 0
    _day: float = -1.0
    _day_requests: int = 0
    _looked_at: float = 0.0
    _request_seconds: float = 0.0
    _token_seconds: float = 0.0
    _shares_until_last: tuple[float, float] = (0.0, 0.0)

    def ask(self, now: float, tokens: int) -> Admitted | Refused:
        """Let a request in with its prompt and output ceiling, or refuse it."""
        self._advance(now)
        if self.first_at is None:
            self.first_at = self._looked_at = now
        refusal = self._refusal(now, tokens)
        if refusal is not None:
            self.refused[refusal.window] += 1
            return refusal
        one = Admitted(now, tokens)
        self._minute.append(one)
        self._minute_tokens += tokens
        self._day_requests += 1
        self.admitted += 1
        self.tokens += tokens
        self._count_minute(now)
        self.peak_requests = max(self.peak_requests, len(self._minute))
        self.peak_tokens = max(self.peak_tokens, self._minute_tokens)
        self.last_at = now
        self._shares_until_last = (self._request_seconds, self._token_seconds)
        return one

    def settle(self, now: float, one: Admitted, tokens: int) -> None:
        """Put what a request used in the place of its ceiling."""
        self._advance(now)
        self.tokens += tokens - one.tokens
        if one.at + MINUTE_S > now:
            self._minute_tokens += tokens - one.tokens
        one.tokens = tokens

    def share(self, metric: str) -> float:
        """The part of the sliding minute's allowance that was used, on average while there was demand."""
        if self.first_at is None or self.last_at <= self.first_at:
            return 1.0 if self.admitted else 0.0
        seconds = self.last_at - self.first_at
        requests, tokens = self._shares_until_last
        used, limit = (requests, self.limits.rpm) if metric == "requests" else (tokens, self.limits.tpm)
        return used / (limit * seconds)

    def headers(self, now: float) -> dict[str, str]:
        """As Groq sends them: requests of the day, tokens of the minute, and when what is used has refilled."""
        self._advance(now)
        limits = self.limits
        return {
            "x-ratelimit-limit-requests": str(limits.rpd),
            "x-ratelimit-remaining-requests": str(max(0, limits.rpd - self._day_requests)),
            "x-ratelimit-reset-requests": go_duration(self._day_requests * DAY_S / max(1, limits.rpd)),
            "x-ratelimit-limit-tokens": str(limits.tpm),
            "x-ratelimit-remaining-tokens": str(max(0, limits.tpm - self._minute_tokens)),
            "x-ratelimit-reset-tokens": go_duration(self._minute_tokens * MINUTE_S / max(1, limits.tpm)),
        }

    def report(self) -> dict[str, Any]:
        """The counts as a program reads them."""
        return {
            "admitted": self.admitted,
            "refused": sum(self.refused.values()),
            "refused_by_window": dict(self.refused),
            "too_large": self.too_large,
            "tokens": self.tokens,
            "per_minute": list(self.per_minute),
            "peak_requests_a_minute": self.peak_requests,
            "peak_tokens_a_minute": self.peak_tokens,
            "demand_s": 0.0 if self.first_at is None else self.last_at - self.first_at,
            "request_share": self.share("requests"),
            "token_share": self.share("tokens"),
        }

    def _refusal(self, now: float, tokens: int) -> Refused | None:
        limits, used = self.limits, len(self._minute)
        if self._day_requests >= limits.rpd:
            return Refused("RPD", limits.rpd, self._day_requests, 1, DAY_S - now % DAY_S)
        if used >= limits.rpm:
            return Refused("RPM", limits.rpm, used, 1, self._minute[used - limits.rpm].at + MINUTE_S - now)
        if self._minute_tokens + tokens > limits.tpm:
            return Refused("TPM", limits.tpm, self._minute_tokens, tokens, self._token_wait(now, tokens))
        return None

    def _token_wait(self, now: float, tokens: int) -> float:
        short = self._minute_tokens + tokens - self.limits.tpm
        for one in self._minute:
            short -= one.tokens
            if short <= 0:
                return one.at + MINUTE_S - now
        return MINUTE_S

    def _count_minute(self, now: float) -> None:
        assert self.first_at is not None
        index = int((now - self.first_at) // MINUTE_S)
        self.per_minute += [0] * (index + 1 - len(self.per_minute))
        self.per_minute[index] += 1

    def _advance(self, now: float) -> None:
        """Bring the windows to `now`, adding up how full they were on the way."""
        while self._minute and self._minute[0].at + MINUTE_S <= now:
            gone = self._minute[0]
            self._add_until(gone.at + MINUTE_S)
            self._minute.popleft()
            self._minute_tokens -= gone.tokens
        self._add_until(now)
        day = now // DAY_S
        if day != self._day:
            self._day, self._day_requests = day, 0

    def _add_until(self, now: float) -> None:
        seconds = now - self._looked_at
        self._request_seconds += len(self._minute) * seconds
        self._token_seconds += self._minute_tokens * seconds
        self._looked_at = now


def go_duration(seconds: float) -> str:
    """`1m26.4s`, `310ms`: how Groq writes times."""
    if seconds < 1:
        return f"{seconds * 1000:.9g}ms"
    minutes, rest = divmod(round(seconds, 9), 60)
    hours, minutes = divmod(int(minutes), 60)
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if hours or minutes else "") + f"{rest:.9g}s"
