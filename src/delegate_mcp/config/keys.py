"""Keys of the services: from the environment, `.env` files, then the settings file. Never printed, logged or stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from delegate_mcp.config.settings import Settings


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


def _given(values: Mapping[str, str], name: str) -> str:
    """The value, or nothing where a host passed on `${GROQ_API_KEY}` for a variable that is not set."""
    value = values.get(name, "").strip()
    return "" if value.startswith("${") else value
