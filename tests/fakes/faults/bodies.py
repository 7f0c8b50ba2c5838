"""The form in which each service puts an error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from delegate_mcp.domain.errors import ErrorKind


@dataclass(frozen=True, slots=True)
class Refusal:
    """One whole response."""

    status: int
    body: object
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: ErrorKind | None = None
    """What it is, where this service's differs from the others'."""


def groq(
    status: int, message: str, code: str | None = None, kind: str = "invalid_request_error", **headers: str
) -> Refusal:
    """Groq's form, and OpenAI's."""
    return Refusal(status, {"error": {"message": message, "type": kind, "code": code}}, _headers(headers))


def gemini(status: int, message: str, name: str, details: list[Any] | None = None) -> Refusal:
    """Google's form."""
    error = {"code": status, "message": message, "status": name}
    return Refusal(status, {"error": error | ({"details": details} if details else {})})


def openrouter(status: int, message: str, **metadata: Any) -> Refusal:
    """OpenRouter's form."""
    error: dict[str, Any] = {"message": message, "code": status}
    return Refusal(status, {"error": error | ({"metadata": metadata} if metadata else {}), "user_id": "user_2made0up"})


def mistral(status: int, message: str, kind: str, code: str, **headers: str) -> Refusal:
    """Mistral's form."""
    body = {"object": "error", "message": message, "type": kind, "param": None, "code": code}
    return Refusal(status, body, _headers(headers))


def llama(status: int, message: str, kind: str) -> Refusal:
    """The form of llama.cpp's server."""
    return Refusal(status, {"error": {"code": status, "message": message, "type": kind}})


def _headers(given: Mapping[str, str]) -> Mapping[str, str]:
    return {name.replace("_", "-"): value for name, value in given.items()}


def gateway(status: int, phrase: str) -> Refusal:
    """A page of the proxy in front of the service."""
    return Refusal(status, f"<html><head><title>{status} {phrase}</title></head><body>nginx</body></html>")


def everywhere(refusal: Refusal) -> Mapping[str, Refusal]:
    return dict.fromkeys(("groq", "gemini", "openrouter", "mistral", "llama-server"), refusal)
