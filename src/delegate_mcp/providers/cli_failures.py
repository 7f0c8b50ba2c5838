"""What a CLI's complaint means: its words and the HTTP status it names become one ProviderError; pure.

To teach it another complaint: add a row to `RULES`, above the rows that would take it. A status that a row names
decides before any words do; among words the first row that fits wins.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from types import MappingProxyType
from zoneinfo import ZoneInfo

from delegate_mcp.domain.errors import ErrorKind, Period, ProviderError
from delegate_mcp.domain.usage import Usage
from delegate_mcp.providers.error_body import fit_to_show
from delegate_mcp.providers.registry import ProviderRow


@dataclass(frozen=True, slots=True)
class Mending:
    """What a person types to make a CLI usable."""

    install: str
    login: str


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of complaint."""

    kind: ErrorKind
    text: str
    """What is told; `{title}`, `{install}` and `{login}` are filled in."""
    statuses: frozenset[int] = frozenset()
    words: str = ""
    """Searched in small letters; empty: only the status decides."""
    quote: bool = False
    """Whether the CLI's own words follow."""


RULES: tuple[Rule, ...] = (
    Rule(
        ErrorKind.AUTH,
        "{title} is too old for the options it is started with: update it with `{install}`",
        words=r"unknown (option|argument)|unexpected argument|unrecognized (option|argument)",
    ),
    Rule(
        ErrorKind.AUTH,
        "{title} is not logged in: {login}",
        statuses=frozenset({401}),
        words=r"not logged in|run /login|invalid api key|failed to authenticate|unauthorized|not authenticated"
        r"|oauth token (has expired|revoked)|(invalid|set an) auth method"
        r"|api key (is )?(missing|not valid)|specify the \w+ environment",
    ),
    Rule(ErrorKind.AUTH, "{title} was denied access ({login})", statuses=frozenset({402, 403}), quote=True),
    Rule(
        ErrorKind.TOO_LARGE,
        "{title}: the request is larger than the model's context; waiting does not help, send less",
        statuses=frozenset({413}),
        words=r"prompt is too long|request (is )?too large|context (window|length)|context_length|token count.*exceeds",
    ),
    Rule(
        ErrorKind.RATE_LIMITED,
        "{title}: its limit is reached",
        statuses=frozenset({429}),
        words=r"usage limit|hit your [\w ]*limit|reached your [\w ]*limit|rate.?limit|too many requests"
        r"|quota|usage exceeded",
    ),
    Rule(
        ErrorKind.MODEL_GONE,
        "{title} has no such model, or this account may not use it",
        statuses=frozenset({404, 410}),
        words=r"issue with the selected model|model.{0,40}(not found|does not exist|not exist|not supported)"
        r"|modelnotfound|unknown model",
    ),
    Rule(
        ErrorKind.OVERLOADED,
        "{title}: the service cannot answer right now",
        statuses=frozenset({408, *range(500, 600)}),
        words=r"overloaded|high demand|unavailable|server.side issue|internal server error|at capacity",
    ),
    Rule(ErrorKind.REFUSED, "{title} refused the content", words=r"can't help with this|usage policy|safety|flagged"),
    Rule(
        ErrorKind.NETWORK,
        "{title} cannot reach its service: check the network",
        words=r"econn|enotfound|etimedout|connection (refused|error|failed|reset)|unable to connect|lookup address"
        r"|waiting for network|fetch failed|network",
    ),
)

_STATUS = re.compile(r"(?:api error:?|status(?: code)?:?|rejected) \(?([45]\d\d)\b", re.IGNORECASE)
_ONE_MODEL = re.compile(r"\b(opus|sonnet|haiku|model)\b[\w .-]{0,12}limit|per.?model|for this model")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EPOCH = re.compile(r"limit reached\|(\d{9,})")
_IN = re.compile(
    r"\b(?:in|after) ((?:[\d.]+ ?(?:days?|hours?|minutes?|seconds?|ms|[dhms])\b[ ,and]*|[\d.]+[dhm](?=\d))+)"
)
_PART = re.compile(r"([\d.]+) ?(ms|[dhms])")
_AT = re.compile(
    r"(?:resets|again at)(?: at)? "
    r"(?:(?P<month>[a-z]{3})[a-z]* (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?:\d{4},? )?(?:at )?)?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))? ?(?P<half>[ap]m)(?: \((?P<zone>[\w/+-]+)\))?",
    re.IGNORECASE,
)
_UNITS_S: Mapping[str, float] = MappingProxyType({"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3})
_DAY = timedelta(days=1)
_JUST_NOW = timedelta(minutes=5)
"""A reset that is past by less than this has just come, by a clock that is not quite ours."""
_NO_DAY_S = 120.0


def classified(
    row: ProviderRow,
    mending: Mending,
    message: str,
    *,
    now: float,
    status: int | None = None,
    usage: Usage | None = None,
) -> ProviderError | None:
    """The error that a complaint is; None where no rule knows it. `now` is the Unix time at which it came."""
    if status is None and (named := _STATUS.search(message)):
        status = int(named[1])
    words = message.lower()
    rule = next((rule for rule in RULES if status in rule.statuses), None)
    rule = rule or next((rule for rule in RULES if rule.words and re.search(rule.words, words)), None)
    if rule is None:
        return None
    text = rule.text.format(title=row.title, install=mending.install, login=mending.login)
    if rule.quote and (quoted := fit_to_show(message)):
        text = f"{text}: {quoted}"
    if rule.kind is not ErrorKind.RATE_LIMITED:
        return ProviderError(rule.kind, text, status=status, usage=usage)
    window, wait = _window(words), wait_s(message, now)
    if window == "day" and wait is not None and wait < _NO_DAY_S:
        wait = None  # Gemini's CLI tells some seconds for a day that is spent, as its API does
    error = rate_limited(text, retry_after_s=wait, status=status, window=window, usage=usage)
    # A plan is one for all of its models, but for the limits that name theirs.
    if row.tier == "subscription" and not _ONE_MODEL.search(words):
        error.scope = "account"
    return error


def rate_limited(
    text: str,
    *,
    retry_after_s: float | None,
    status: int | None = None,
    window: Period | None = None,
    usage: Usage | None = None,
) -> ProviderError:
    """A limit that was hit, with the time until it may be asked again in its message."""
    if retry_after_s is not None:
        text = f"{text}; room again in {_in_words(retry_after_s)}"
    return ProviderError(
        ErrorKind.RATE_LIMITED, text, status=status, retry_after_s=retry_after_s, window=window, usage=usage
    )


def wait_s(message: str, now: float) -> float | None:
    """Seconds until a limit resets, out of the ways in which the CLIs say it; None where they do not.

    `…limit reached|1795230000`, `try again in 2 days 3 hours`, `resets 3:45pm (Europe/Berlin)`, `resets Nov 24, 3pm`.
    """
    words = message.lower()
    if found := _EPOCH.search(words):
        return max(0.0, float(found[1]) - now)
    if found := _AT.search(message):
        return _until(found, now)
    if found := _IN.search(words):
        return sum(float(number) * _UNITS_S[unit] for number, unit in _PART.findall(found[1]))
    return None


def _until(at: re.Match[str], now: float) -> float | None:
    """Seconds until a time of day, the next one, or that of a day which is named."""
    try:
        zone: tzinfo | None = ZoneInfo(at["zone"]) if at["zone"] else None
        present = datetime.fromtimestamp(now, UTC).astimezone(zone)  # None: this machine's zone
        hour = int(at["hour"]) % 12 + (12 if at["half"].lower() == "pm" else 0)
        then = present.replace(hour=hour, minute=int(at["minute"] or 0), second=0, microsecond=0)
        if at["month"]:
            then = then.replace(month=_MONTHS.index(at["month"].lower()) + 1, day=int(at["day"]))
            if then < present - _DAY:
                then = then.replace(year=then.year + 1)
        elif then <= present - _JUST_NOW:
            then += _DAY
    except (KeyError, ValueError, OSError):  # no such zone or day; Windows may have no zones at all
        return None
    return max(0.0, (then - present).total_seconds())


def _window(words: str) -> Period | None:
    if "month" in words:
        return "month"
    return "day" if re.search(r"daily|per.?day", words) else None


def _in_words(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min" if minutes else f"{seconds:.0f} s"
