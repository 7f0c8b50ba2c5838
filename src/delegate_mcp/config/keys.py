"""Keys of the services: from the environment, `.env` files, then the settings file. Never printed, logged or stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2s
from pathlib import Path

from pydantic import SecretStr

from delegate_mcp.config.settings import Settings

_MARK_BYTES = 4
_MARK_KEY = b"delegate-mcp key mark"


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it was found."""

    value: SecretStr
    where: str
    """`GROQ_API_KEY of the environment`, `GROQ_API_KEY of ~/.env`, `providers.groq.api_key`."""


def find_key(
    provider: str,
    names: Sequence[str],
    *,
    settings: Settings,
    environ: Mapping[str, str],
    dotenv: Sequence[tuple[Path, Mapping[str, str]]],
) -> Key | None:
    """The first key that is set; an empty variable counts as not set."""
    for name in names:
        if value := _given(environ, name):
            return Key(SecretStr(value), f"{name} of the environment")
    for path, values in dotenv:
        for name in names:
            if value := _given(values, name):
                return Key(SecretStr(value), f"{name} of {path}")
    given = settings.provider(provider).api_key
    return Key(given, f"providers.{provider}.api_key of the settings") if given and given.get_secret_value() else None


def key_mark(key: str) -> str:
    """Eight hexadecimal digits that tell one key from another in the ledger; they cannot be turned back into it."""
    return blake2s(key.strip().encode("utf-8", "backslashreplace"), digest_size=_MARK_BYTES, key=_MARK_KEY).hexdigest()


def _given(values: Mapping[str, str], name: str) -> str:
    """The value, or nothing where a host passed on `${GROQ_API_KEY}` for a variable that is not set."""
    value = values.get(name, "").strip()
    return "" if value.startswith("${") else value
