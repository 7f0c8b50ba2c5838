"""What an error body says, whatever its form, and its words made fit to show; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from delegate_mcp.providers.json_view import mapping, mappings, parse, text

_ERROR_STATUSES = range(400, 600)
_LONGEST_QUOTE = 160
_SECRETS = re.compile(
    r"\b(?:(?:sk|gsk|csk|hf|nvapi|org|user|proj|req)[-_][\w*.-]{6,}|AIza[\w-]{8,})|bearer\s+\S+", re.IGNORECASE
)
_ECHO = re.compile(r"(?:,\s*|\b)['\"]?(?:input_value|input|failed_generation)['\"]?\s*[=:].*", re.DOTALL)
_QUOTED = re.compile(r"(?<!\w)(['\"`])((?:(?!\1).)*)(?:\1|$)", re.DOTALL)
_LONGEST_NAME = 64
"""A quoted text that is longer is no name of a model or a field but may be a piece of the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """An error body's facts."""

    codes: str = ""
    """Code, type and status words, joined."""
    message: str = ""
    raw: str = ""
    """What a router passes on from the service behind it."""
    status: int | None = None
    """The HTTP status that the body names."""
    details: Sequence[Mapping[str, Any]] = ()
    headers: Mapping[str, str]
    """Headers that stand in the body (OpenRouter)."""

    @property
    def words(self) -> str:
        """Everything that a classification looks at, in small letters."""
        return f"{self.message} {self.raw} {self.codes}".lower()


def read(body: object) -> Said:
    """Read `{"error": {…}}`, `{"error": "…"}`, `{"message": …}`, `{"detail": …}`, or a list around one of them."""
    data = parse(body) if isinstance(body, bytes | str) else body
    top = mapping(data) or next(iter(mappings(data)), mapping(None))  # of an HTML page nothing is worth reading
    inner: object = top.get("error")
    facts = {**top, **mapping(inner)}
    metadata = mapping(facts.get("metadata"))
    code = facts.get("code")
    return Said(
        codes=" ".join(facts[key] for key in ("code", "type", "status") if isinstance(facts.get(key), str)),
        message=_message(facts.get("message") or text(inner) or facts.get("detail")),
        raw=text(metadata.get("raw")),
        status=code if isinstance(code, int) and code in _ERROR_STATUSES else None,
        details=mappings(facts.get("details")),
        headers={name: str(value) for name, value in mapping(metadata.get("headers")).items()},
    )


def fit_to_show(message: str) -> str:
    """A service's words without keys, account names and what they repeat of the request, at most a line."""
    message = _QUOTED.sub(_name_only, _ECHO.sub("", message))
    message = " ".join(_SECRETS.sub("…", message).split())
    return message if len(message) <= _LONGEST_QUOTE else message[: _LONGEST_QUOTE - 1].rstrip() + "…"


def _name_only(quoted: re.Match[str]) -> str:
    return quoted[0] if len(quoted[2]) <= _LONGEST_NAME and " " not in quoted[2].strip() else "…"


def _message(value: object) -> str:
    """The message; of a list of validation errors only where and what, since each repeats its input."""
    if isinstance(value, str):
        return value
    inner = mapping(value)
    if inner:
        return text(inner.get("message")) or _message(inner.get("detail"))
    return "; ".join(f"{'.'.join(map(str, item.get('loc', ())))}: {text(item.get('msg'))}" for item in mappings(value))
