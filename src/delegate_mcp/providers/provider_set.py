"""The providers of a set of rows, each made at its first use. To add a wire protocol: a module, and a line in WIRES."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from delegate_mcp.config.keys import Key
from delegate_mcp.config.settings import Settings
from delegate_mcp.domain.errors import ErrorKind, ProviderError
from delegate_mcp.local.keeper import Keeper
from delegate_mcp.providers.base import Provider
from delegate_mcp.providers.registry import ProviderRow, Wire


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What providers are made of."""

    settings: Settings
    keys: Mapping[str, Key]
    environ: Mapping[str, str]
    keeper: Keeper
    rented: Callable[[ProviderRow], Provider]
    """Makes the provider of rented machines, which needs the ledger."""

    def key(self, row: ProviderRow) -> str:
        """The row's key. ProviderError where there is none."""
        found = self.keys.get(row.name)
        if found is None:
            raise ProviderError(ErrorKind.AUTH, f"no key: get one at {row.key_url} and set {row.key_names[0]}")
        return found.value.get_secret_value()

    def address(self, row: ProviderRow) -> str:
        """Where its API answers."""
        return self.settings.provider(row.name).base_url or row.base_url


def _groq(row: ProviderRow, parts: Parts) -> Provider:
    from delegate_mcp.providers.groq import GroqProvider

    return GroqProvider(row, base_url=parts.address(row), api_key=parts.key(row))


def _gemini(row: ProviderRow, parts: Parts) -> Provider:
    from delegate_mcp.providers.gemini import GeminiProvider

    return GeminiProvider(row, base_url=parts.address(row), api_key=parts.key(row))


def _openai(row: ProviderRow, parts: Parts) -> Provider:
    from delegate_mcp.providers.openai_compatible import OpenAICompatibleProvider

    key = parts.key(row) if row.key_names or row.name in parts.keys else None
    provider = OpenAICompatibleProvider(row, base_url=parts.address(row), api_key=key)
    if not row.quota_path:
        return provider
    from delegate_mcp.providers.quota_aware import QuotaAwareProvider

    return QuotaAwareProvider(provider)


def _cli(row: ProviderRow, parts: Parts) -> Provider:
    from delegate_mcp.providers.cli import CliProvider

    own = parts.settings.provider(row.name)
    # A key of a `.env` file or of the settings stands in no environment yet.
    key = {row.key_names[0]: parts.key(row)} if row.key_names else {}
    return CliProvider(row, command=own.command, environ={**parts.environ, **key}, bill_api=own.bill_api)


def _embedded(row: ProviderRow, parts: Parts) -> Provider:
    from delegate_mcp.providers.embedded import EmbeddedProvider

    return EmbeddedProvider(row, parts.keeper)


def _rented(row: ProviderRow, parts: Parts) -> Provider:
    return parts.rented(row)


WIRES: Mapping[Wire, Callable[[ProviderRow, Parts], Provider]] = {
    "groq": _groq,
    "gemini": _gemini,
    "openai": _openai,
    "cli": _cli,
    "rented": _rented,
    "embedded": _embedded,
}


class ProviderSet:
    """The providers of some rows, and of no other."""

    def __init__(self, rows: Sequence[ProviderRow], parts: Parts) -> None:
        self._rows = {row.name: row for row in rows}
        self._parts = parts
        self._made: dict[str, Provider] = {}

    def get(self, name: str) -> Provider:
        """The provider of that name. KeyError where the set has no such row."""
        provider = self._made.get(name)
        if provider is None:
            row = self._rows[name]
            provider = self._made[name] = WIRES[row.wire](row, self._parts)
        return provider

    async def aclose(self) -> None:
        """Close those that were made."""
        while self._made:
            _, provider = self._made.popitem()
            await provider.aclose()
