"""What a failed HTTP call means: status, headers and body become one ProviderError; pure.

To teach it another refusal: add a row to `RULES`, above the rows that would take it. The first row that fits wins.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers import rate_limits
from delegate_mcp.providers.error_body import Said, fit_to_show, read
from delegate_mcp.providers.refusals import Hit, quota_hit
from delegate_mcp.providers.registry import ProviderRow

_ANY = frozenset[int]()
_REJECTED = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of refusal: which statuses (empty: any) with which words in code, type or message."""

    kind: ErrorKind
    statuses: frozenset[int]
    words: str
    text: str
    """What is told; `{title}`, `{status}`, `{key}` and `{name}` are filled in."""
    quote: bool = False
    """Whether the service's own words follow."""


RULES: tuple[Rule, ...] = (
    Rule(ErrorKind.TOO_LARGE, frozenset({413}), "", "{title} admits no request of this size"),
    Rule(
        ErrorKind.TOO_LARGE,
        _REJECTED | {500},
        r"context_length|context.size|context (length|window)|exceed_context|maximum context|prompt is too long"
        r"|too many tokens|token count.{0,40}exceeds|reduce the length|token limit exceeded",
        "{title}: the request is larger than the model's context",
    ),
    Rule(
        ErrorKind.REFUSED,  # by this model only: another one sees
        _REJECTED | {404, 500, 501},
        r"(support|accept|process|handle|take)s?( for)?( \w+)? ?(image|vision|multimodal)|mmproj"
        r"|(image|vision|multimodal)[\w ]{0,20} (is |are )?(not|un) ?(supported|available|allowed|enabled)",
        "{title}: this model does not see images",
    ),
    Rule(
        ErrorKind.REFUSED,
        _REJECTED | {403},
        r"content_filter|content_policy|content management policy|flagged|moderation|safety (system|filter)"
        r"|data_inspection_failed|prohibited_content",
        "{title} refused the content",
    ),
    Rule(
        ErrorKind.BAD_ANSWER,
        _REJECTED,
        r"tool_use_failed",
        "{title}: the model called a tool in place of an answer",
    ),
    Rule(
        ErrorKind.BAD_ANSWER,
        _REJECTED,
        r"json_validate_failed|failed to (generate|validate) json",
        "{title}: the model wrote no JSON of the schema",
    ),
    Rule(
        ErrorKind.MODEL_GONE,
        _REJECTED | {403},
        r"model_not_found|decommissioned|invalid_model|invalid model|not a valid model|model_not_supported"
        r"|unknown_model|model_permission_blocked|model_not_available|non-serverless model",
        "{title} does not serve this model",
        quote=True,
    ),
    Rule(
        ErrorKind.MODEL_GONE,
        frozenset({404}),
        r"model|endpoints? found|function",
        "{title} has no such model",
        quote=True,
    ),
    Rule(ErrorKind.MODEL_GONE, frozenset({410}), "", "{title} has retired this model or itself (HTTP 410)", quote=True),
    Rule(ErrorKind.MODEL_GONE, frozenset({429}), r"limit: 0(?![\d.])", "{title}: this model is not on the free tier"),
    Rule(
        ErrorKind.AUTH,
        _REJECTED,
        r"api[ _]key|api_key_invalid|user location is not supported",
        "{title} did not accept the key or the place it is used from (HTTP {status}): check {key}",
    ),
    Rule(ErrorKind.AUTH, frozenset({401}), "", "{title} did not accept the key (HTTP 401): check {key}"),
    Rule(ErrorKind.AUTH, frozenset({403, 407}), "", "{title} denied access (HTTP {status}): check {key}", quote=True),
    Rule(ErrorKind.RATE_LIMITED, frozenset({402}), r"month", "{title}: this month's free use is spent"),
    Rule(
        ErrorKind.AUTH,
        frozenset({402}),
        "",
        "{title} answers nothing without credit (HTTP 402): add credit, or set providers.{name}.enabled = false",
    ),
    Rule(
        ErrorKind.AUTH,
        frozenset({429}),
        r"insufficient_quota|credits? (is|are) depleted",
        "{title}: the account has no credit left; add credit, or set providers.{name}.enabled = false",
    ),
    Rule(
        ErrorKind.OVERLOADED,
        frozenset({429}),
        r"capacity exceeded|rate-limited upstream|queue_exceeded|high traffic|overloaded",
        "{title} has no capacity for this model right now",
    ),
    Rule(ErrorKind.RATE_LIMITED, frozenset({429}), "", "{title}: rate limit"),
    Rule(ErrorKind.TIMEOUT, frozenset({408}), "", "{title} gave up waiting (HTTP 408)"),
    Rule(
        ErrorKind.OVERLOADED,
        frozenset({498, *range(500, 600)}),
        "",
        "{title} cannot answer right now (HTTP {status})",
        quote=True,
    ),
    Rule(ErrorKind.BAD_ANSWER, frozenset(range(200, 300)), "", "{title}: an answer without content (HTTP {status})"),
    Rule(
        ErrorKind.BAD_ANSWER,  # of whoever is there, not of the service: another service may well answer
        frozenset({404, 405, *range(300, 400)}),
        "",
        "{title}: nothing answers at that address (HTTP {status}): check providers.{name}.base_url",
    ),
    Rule(ErrorKind.BAD_REQUEST, _ANY, "", "{title} rejected the request (HTTP {status})", quote=True),
)

IN_A_SUCCESS = (
    (re.compile(r"rate.?limit|too_many_requests"), 429),
    (re.compile(r"invalid_request|bad_request|invalid_argument"), 400),
    (re.compile(r"authentication|unauthorized"), 401),
    (re.compile(r"not_found"), 404),
)
"""The status that an error without one stands for, by its code or type; 500 where none fits."""


def from_response(
    row: ProviderRow, status: int, headers: Mapping[str, str], body: bytes | str | object, *, now: float
) -> ProviderError:
    """The error that a response of that status is; `now` is the Unix time at which it came."""
    said = read(body)
    headers = {**headers, **said.headers}
    hit = quota_hit(said.words, said.details)
    words = f"{said.words} limit: 0" if hit.none_at_all else said.words
    rule = next(rule for rule in RULES if _fits(rule, status, words))
    limits = rate_limits.from_headers(row.name, headers, now, hit.window)
    text = _text(row, rule, status, said)
    error = ProviderError(rule.kind, text, status=status, rate_limits=limits)
    asked_s = rate_limits.retry_after_s(headers, now)
    if rule.kind in {ErrorKind.RATE_LIMITED, ErrorKind.TOO_LARGE}:
        error.scope = rate_limits.scope_of(row.name)
        _add_limits(error, hit, asked_s)
        error.args = (text + _numbers(error),)
    elif rule.kind is ErrorKind.OVERLOADED:
        error.retry_after_s = asked_s
    return error


def from_error_object(row: ProviderRow, error: object, *, now: float) -> ProviderError:
    """The error that stands inside a success or in the middle of a stream."""
    said = read({"error": error})
    codes = said.codes.lower()
    status = said.status or next((number for words, number in IN_A_SUCCESS if words.search(codes)), 500)
    return from_response(row, status, {}, {"error": error}, now=now)


def from_transport(row: ProviderRow, error: Exception, usage: Usage | None = None) -> ProviderError:
    """The error of a connection that could not be made or that broke; the exception's own text may hold secrets."""
    match error:
        case httpx.ConnectTimeout() | httpx.PoolTimeout():
            failure = ProviderError.timeout(f"{row.title}: no connection in time")
        case httpx.TimeoutException():
            failure = ProviderError.timeout(f"{row.title}: nothing came in time")
        case httpx.ConnectError() | httpx.ProxyError():
            hint = f"is it running? {row.key_url}".rstrip() if row.local else "check the network"
            failure = ProviderError.network(f"{row.title} cannot be reached: {hint}")
        case httpx.DecodingError():
            failure = ProviderError.bad_answer(f"{row.title} sent an answer that cannot be decoded")
        case httpx.UnsupportedProtocol() | httpx.InvalidURL() | httpx.LocalProtocolError():
            text = f"{row.title}: the request cannot be sent: check providers.{row.name}.base_url and the key"
            failure = ProviderError.network(text)
        case _:
            failure = ProviderError.network(f"{row.title}: the connection broke")
    failure.usage = usage
    return failure


def unusable_key(row: ProviderRow) -> ProviderError:
    """The error of a key that no request can carry (a line break, a letter beyond ASCII)."""
    text = f"{row.title}: the key holds characters that no key has: check {_key(row)}"
    return ProviderError(ErrorKind.AUTH, text)


def _fits(rule: Rule, status: int, words: str) -> bool:
    return (not rule.statuses or status in rule.statuses) and re.search(rule.words, words) is not None


def _key(row: ProviderRow) -> str:
    name = row.key_names[0] if row.key_names else f"providers.{row.name}.api_key"
    return f"{name} ({row.key_url})" if row.key_url else name


def _text(row: ProviderRow, rule: Rule, status: int, said: Said) -> str:
    text = rule.text.format(title=row.title, status=status, key=_key(row), name=row.name)
    quoted = fit_to_show(said.message) if rule.quote else ""
    return f"{text}: {quoted}" if quoted else text


def _add_limits(error: ProviderError, hit: Hit, asked_s: float | None) -> None:
    """Give a rate_limited or too_large error the limit that was hit."""
    spent = [limit for limit in error.rate_limits if limit.remaining == 0]
    known = next(iter((*hit.limits, *(spent if error.kind is ErrorKind.RATE_LIMITED else ()))), None)
    # The refusal's own words are of this very request: they stand in the place of a header of the same window.
    named = {(limit.metric, limit.period) for limit in hit.limits}
    by_header = (limit for limit in error.rate_limits if (limit.metric, limit.period) not in named)
    error.rate_limits = (*by_header, *(replace(limit, scope=error.scope) for limit in hit.limits))
    error.window = hit.window or (known.period if known else None)
    error.metric = hit.metric or (known.metric if known else None)
    error.limit = known.limit if known else hit.limit
    if error.kind is ErrorKind.RATE_LIMITED and not hit.believe_window:
        error.retry_after_s = asked_s if asked_s is not None else hit.retry_after_s


def _numbers(error: ProviderError) -> str:
    """The end of the message: which limit, and when to ask again."""
    if error.kind is ErrorKind.TOO_LARGE:
        limit = f" (limit {error.limit:,} tokens)" if error.limit else ""
        return f"{limit}; waiting does not help, send less"
    parts = (f"{error.limit:,}" if error.limit else "", error.metric or "", f"a {error.window}" if error.window else "")
    what = " ".join(part for part in parts if part)
    wait = f"; room again in {error.retry_after_s:,.1f} s" if error.retry_after_s is not None else ""
    return f"{f' of {what}' if what else ''}{wait}"
