"""What services say of their limits in response headers, read into values; pure.

To add a service whose headers leave the period out: add a row to `PERIODS`. Headers that name their period
(`x-ratelimit-limit-tokens-minute`) are read for every service. A service whose limits hold for all its models together
stands in `ACCOUNT_WIDE` too.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Literal

from delegate_mcp.domain.usage import RateLimit

Metric = Literal["requests", "tokens"]
Period = Literal["minute", "day", "month"]
Scope = Literal["model", "account"]

PERIODS: Mapping[str, Mapping[str, tuple[Metric, Period]]] = MappingProxyType(
    {
        "groq": {"requests": ("requests", "day"), "tokens": ("tokens", "minute")},
        "openai": {"requests": ("requests", "minute"), "tokens": ("tokens", "minute")},
    }
)
"""What `x-ratelimit-limit-<suffix>` counts where the suffix does not say it, by provider."""

ACCOUNT_WIDE = frozenset({"openrouter", "mistral", "huggingface", "nvidia"})
"""Providers whose limits all models of the account share. Groq's and Gemini's hold for each model."""

SPELLED_OUT: Mapping[str, tuple[Metric, Period]] = MappingProxyType(
    {
        "req-minute": ("requests", "minute"),
        "requests-minute": ("requests", "minute"),
        "requests-day": ("requests", "day"),
        "tokens-minute": ("tokens", "minute"),
        "tokens-day": ("tokens", "day"),
        "tokens-month": ("tokens", "month"),
    }
)
"""Suffixes that say their period (Mistral, Cerebras); the same for every provider."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|us|µs|ns|h|m|s)")
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_MILLISECONDS_FROM = 1e11
"""Unix times above it are milliseconds (seconds reach it in the year 5138)."""
_LONGEST_MINUTE_S = 120.0


def duration_s(text: str) -> float | None:
    """Seconds of a Go duration (`1h34m52.896s`, `310ms`) or of a bare number; None if it is neither."""
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    total, at = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != at:
            return None
        total, at = total + float(part[1]) * _UNITS[part[2]], part.end()
    return round(total, 9) if text and at == len(text) else None


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that an error's headers ask to wait. Never read it on a success: some services send it there too."""
    headers = _lower(headers)
    milliseconds = duration_s(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after", "")
    seconds = duration_s(asked)
    if seconds is not None or not asked:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(asked).timestamp() - now)
    except ValueError:
        return None


def scope_of(provider: str) -> Scope:
    """For what a limit of that service holds."""
    return "account" if provider in ACCOUNT_WIDE else "model"


def from_headers(
    provider: str, headers: Mapping[str, str], now: float, window: Period | None = None
) -> tuple[RateLimit, ...]:
    """Every limit that the headers tell, whatever the status. `window`: the period that a refusal around them named."""
    headers = _lower(headers)
    found = (*_by_suffix(headers, PERIODS.get(provider, {})), *_without_suffix(headers, now, window))
    return tuple(replace(limit, scope=scope_of(provider)) for limit in found)


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _by_suffix(headers: Mapping[str, str], periods: Mapping[str, tuple[Metric, Period]]) -> Iterable[RateLimit]:
    for suffix, (metric, period) in {**SPELLED_OUT, **periods}.items():
        limit = _count(headers.get(f"x-ratelimit-limit-{suffix}"))
        if limit is not None:
            yield RateLimit(
                metric,
                period,
                limit,
                _count(headers.get(f"x-ratelimit-remaining-{suffix}")),
                duration_s(headers.get(f"x-ratelimit-reset-{suffix}", "")),
            )


def _without_suffix(headers: Mapping[str, str], now: float, window: Period | None) -> Iterable[RateLimit]:
    """OpenRouter's form: requests, with the time of the reset in Unix milliseconds, which hints at the period."""
    limit = _count(headers.get("x-ratelimit-limit"))
    reset = duration_s(headers.get("x-ratelimit-reset", ""))
    if limit is None or reset is None or reset < now:
        return
    left = max(0.0, (reset / 1000 if reset > _MILLISECONDS_FROM else reset) - now)
    period: Period = "minute" if left <= _LONGEST_MINUTE_S else "day"  # a day may end within two minutes, too
    yield RateLimit("requests", window or period, limit, _count(headers.get("x-ratelimit-remaining")), left)


def _count(text: str | None) -> int | None:
    """A whole number of a header; some services write `8000.0`."""
    number = None if text is None else duration_s(text)
    return None if number is None else int(number)
